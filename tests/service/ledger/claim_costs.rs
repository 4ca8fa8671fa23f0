//! What a claim costs, whatever waits.

use domain::UserId;
use ledger::{ClaimRequest, Database, OwnerShare, claim_within, count_steps, explain_claim};
use queue::{JobKind, Queue};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tests::ledger::{LEASE, NOW, user};
use tests::on_each_database;
use uuid::Uuid;

/// How many jobs a worker asks for at once.
const WANTED: usize = 16;

/// Buffers of a claim that gets all it wants: four candidates for each job, three of an index and
/// one of the table each, and what the update of sixteen rows touches.
const MOST: u64 = 600;

/// Jobs that wait; all of them became due at one moment, as those of an import do.
const BACKLOG: u32 = 50_000;

const MILLION: u32 = 1_000_000;

/// The users of the last backlog.
const OWNERS: u32 = 1_000;

/// Jobs of an owner that are due, without documents: a claim looks at jobs alone.
async fn due(db: &Database, owner: UserId, count: u32) {
    let backend = db.writer().get_database_backend();
    let (numbers, id) = match backend {
        DbBackend::Postgres => (
            "SELECT generate_series(1, $2) AS number",
            "gen_random_uuid()",
        ),
        _ => (
            "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < $2) \
             SELECT number FROM numbers",
            "randomblob(16)",
        ),
    };
    let sql = format!(
        "INSERT INTO jobs (id, queue, kind, owner_id, state, max_attempts, run_at, created_at) \
         SELECT {id}, 'ingest', 'process_version', $1, 'ready', 8, $3, $3 FROM ({numbers}) AS numbers"
    );
    let values = [
        owner.0.into(),
        i64::from(count).into(),
        NOW.as_micros().into(),
    ];
    let insert = Statement::from_sql_and_values(backend, sql, values);
    db.writer().execute_raw(insert).await.unwrap();
}

fn request() -> ClaimRequest<'static> {
    ClaimRequest {
        queue: Queue::Ingest,
        worker: "one",
        limit: WANTED,
        lease: LEASE,
        after: UserId(Uuid::nil()),
        now: NOW,
    }
}

/// A worker on which every owner has a part of what it may have.
fn share() -> OwnerShare {
    OwnerShare {
        most: 28,
        held: vec![(UserId(Uuid::nil()), 14)],
    }
}

/// What a claim costs: buffers of PostgreSQL, hundreds of steps of SQLite. A plan that PostgreSQL
/// makes once for all parameters may cost no more, and none may be compiled.
async fn cost(db: &Database) -> (u64, String) {
    if db.writer().get_database_backend() == DbBackend::Postgres {
        let mut most = (0, String::new());
        for is_generic in [false, true] {
            let plan = explain_claim(db, &request(), &share(), is_generic).await;
            let plan = plan.unwrap().join("\n");
            assert!(!plan.contains("JIT:"), "{plan}");
            most = most.max((buffers(&plan), plan));
        }
        return most;
    }
    let (request, share) = (request(), share());
    let claim = claim_within(db, &request, &JobKind::ALL, &share);
    let (claimed, steps) = count_steps(db, claim).await.unwrap();
    assert_eq!(claimed.unwrap().len(), WANTED);
    (steps, String::new())
}

/// The buffers of the whole statement, which its first line of this kind tells.
fn buffers(plan: &str) -> u64 {
    let line = plan.lines().find(|line| line.contains("Buffers: shared"));
    let numbers = line.unwrap().split(['=', ' ']);
    numbers
        .filter_map(|word| word.parse::<u64>().ok())
        .take(2)
        .sum()
}

/// Fails if a claim costs more than it may, with statistics and without.
async fn costs_no_more(db: &Database, most: u64, backlog: &str) {
    for statistics in ["none", "of all tables"] {
        let (cost, plan) = cost(db).await;
        assert!(
            cost <= most,
            "{cost} of {most}, {backlog}, statistics: {statistics}\n{plan}"
        );
        db.writer().execute_unprepared("ANALYZE").await.unwrap();
    }
}

/// The most that a claim may cost, by what it costs while next to nothing waits: an index of a
/// million has two levels more.
async fn most(db: &Database) -> u64 {
    cost(db).await.0 * 3
}

#[on_each_database]
async fn a_claim_costs_the_same_whatever_waits(db: &Database) {
    let [alice, bob] = [user(db, "alice").await, user(db, "bob").await];
    due(db, bob, 100).await;
    let most = most(db).await.min(MOST);
    due(db, alice, BACKLOG).await;
    costs_no_more(db, most, "beside a backlog of one user").await;
}

#[on_each_database]
#[ignore = "takes minutes: run it by ./test --long"]
async fn a_claim_costs_the_same_among_a_million(db: &Database) {
    let mut owners = Vec::new();
    for number in 0..OWNERS {
        let owner = user(db, &format!("owner {number}")).await;
        due(db, owner, 1).await;
        owners.push(owner);
    }
    // A round looks at 64 of the owners.
    let most = most(db).await;
    due(db, owners[0], MILLION).await;
    costs_no_more(db, most, "a million, nearly all of one user").await;
    for owner in owners {
        due(db, owner, MILLION / OWNERS).await;
    }
    costs_no_more(db, most, "two million of a thousand users").await;
}
