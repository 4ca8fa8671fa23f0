//! Both commits, cut: the connection to the database is lost at message 0, 1, 2 … until the call
//! passes without. What failed may have been committed or not, but never by half, and doing it
//! again comes to the same end.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use ledger::{Database, DatabaseUrl, Settled, accept, settle};
use sea_orm::ConnectionTrait;
use tests::ledger::{NOW, active, arrival, claim_at, count, limits, settlement, stored, user};
use tests::servers::{Gate, Postgres};

/// More messages than any call sends: a loop that gets so far never ends.
const FAR_TOO_MANY: u32 = 300;

/// A database, and the same one through a gate, by one connection.
struct Cuttable {
    direct: Database,
    gate: Gate,
    through_gate: Database,
}

impl Cuttable {
    async fn new() -> Self {
        let postgres = Postgres::shared().await;
        let url = postgres.create_database().await;
        let gate = Gate::before(postgres.port()).await;
        let gated = url.replace(
            &format!(":{}/", postgres.port()),
            &format!(":{}/", gate.port()),
        );
        let connect = async |url: &str, connections| {
            let url: DatabaseUrl = url.parse().unwrap();
            Database::connect(&url, connections).await.unwrap()
        };
        let direct = connect(&url, 2).await;
        migrations::up(direct.writer()).await.unwrap();
        Self {
            through_gate: connect(&gated, 1).await,
            direct,
            gate,
        }
    }

    /// Waits until the connection through the gate works again.
    async fn heals(&self) {
        while self.through_gate.check().await.is_err() {
            tokio::task::yield_now().await;
        }
    }
}

async fn is_there(db: &Database, id: uuid::Uuid, table: &str, column: &str) -> i64 {
    count(
        db,
        &format!("SELECT count(*) FROM {table} WHERE {column} = '{id}'"),
    )
    .await
}

#[tokio::test]
async fn an_intake_that_is_cut_anywhere_is_whole_or_nothing() {
    let cuttable = Cuttable::new().await;
    let Cuttable {
        direct,
        gate,
        through_gate,
    } = &cuttable;
    let owner = user(direct, "alice").await;
    let (mut kept, mut refused) = (0, 0);
    for message in 0..FAR_TOO_MANY {
        let new = arrival(owner, &message.to_string(), NOW);
        let (document, version, job) = (new.document.0, new.version.0, new.job.0);
        gate.cut_after(message);
        let answer = accept(through_gate, &limits(), &[new]).await;
        let there = is_there(direct, document, "documents", "id").await;
        assert_eq!(is_there(direct, version, "versions", "id").await, there);
        assert_eq!(is_there(direct, job, "jobs", "id").await, there);
        assert_eq!(
            is_there(direct, document, "events", "document_id").await,
            there
        );
        tests::ledger::assert_balanced(direct).await;
        if answer.is_ok() {
            assert_eq!(there, 1, "an answer is a promise");
            if !gate.has_cut() {
                assert!(kept > 0, "a commit whose answer was lost");
                assert!(refused > 0, "a commit that never began");
                return;
            }
        } else if there == 1 {
            kept += 1;
        } else {
            refused += 1;
        }
        cuttable.heals().await;
    }
    panic!("the cut always came");
}

#[tokio::test]
async fn an_outcome_that_is_cut_anywhere_and_settled_again_counts_once() {
    let cuttable = Cuttable::new().await;
    let (direct, gate) = (&cuttable.direct, &cuttable.gate);
    let owner = user(direct, "alice").await;
    let shared = active(direct, owner, "content that others share").await;
    let mut unheard = 0;
    for message in 0..FAR_TOO_MANY {
        let content = format!("outcome {message}");
        let new = arrival(owner, &content, NOW);
        let document = new.document.0;
        accept(direct, &limits(), &[new]).await.unwrap()[0].unwrap();
        let claimed = claim_at(direct, 1, NOW).await.remove(0);
        let outcome = stored(&format!("file:///store/{message}"));
        let settlement = settlement(direct, &claimed, outcome).await;
        gate.cut_after(message);
        let first = settle(
            &cuttable.through_gate,
            std::slice::from_ref(&settlement),
            NOW,
        )
        .await;
        let is_over = first.is_ok() && !gate.has_cut();
        cuttable.heals().await;
        // The worker tries again, under the same claim.
        let again = settle(&cuttable.through_gate, &[settlement], NOW)
            .await
            .unwrap();
        match (&first, &again[..]) {
            (Ok(_), [Settled::LeaseLost]) | (Err(_), [Settled::Committed { .. }]) => {}
            (Err(_), [Settled::LeaseLost]) => unheard += 1,
            other => panic!("{other:?}"),
        }
        let activated = format!(
            "SELECT count(*) FROM events WHERE kind = 'activated' AND document_id = '{document}'"
        );
        assert_eq!(count(direct, &activated).await, 1);
        tests::ledger::assert_balanced(direct).await;
        if is_over {
            assert!(unheard > 0, "a commit whose answer was lost");
            assert_eq!(is_there(direct, shared.0, "documents", "id").await, 1);
            return;
        }
    }
    panic!("the cut always came");
}

/// Polls a call so often, and drops it: its caller has left.
async fn leaves_after<T>(polls: u32, call: impl Future<Output = T>) -> Option<T> {
    let mut call = pin!(call);
    for _ in 0..polls {
        let mut context = Context::from_waker(Waker::noop());
        if let std::task::Poll::Ready(answer) = call.as_mut().poll(&mut context) {
            return Some(answer);
        }
        tokio::task::yield_now().await;
    }
    None
}

#[tokio::test]
async fn who_leaves_at_any_moment_of_a_transaction_leaves_none_behind() {
    let cuttable = Cuttable::new().await;
    let (direct, through_gate) = (&cuttable.direct, &cuttable.through_gate);
    let owner = user(direct, "alice").await;
    let open = "SELECT count(*) FROM pg_stat_activity \
                WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    let mut polls = 0;
    loop {
        polls += 1;
        let new = arrival(owner, &format!("arrival {polls}"), NOW);
        let left = leaves_after(polls, accept(through_gate, &limits(), &[new])).await;
        // By the same session: there is one.
        through_gate.check().await.unwrap();
        let renamed = format!("UPDATE users SET name = 'alice{polls}'");
        through_gate
            .writer()
            .execute_unprepared(&renamed)
            .await
            .unwrap();
        assert_eq!(count(direct, open).await, 0, "after {polls} polls");
        let name = format!("SELECT count(*) FROM users WHERE name = 'alice{polls}'");
        assert_eq!(count(direct, &name).await, 1, "after {polls} polls");
        if left.is_some() {
            assert!(polls > 5, "each of its messages is awaited");
            return;
        }
        assert!(polls < 100_000, "a call never ends");
    }
}
