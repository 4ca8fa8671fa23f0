//! What a claim costs, whatever waits.

use domain::UserId;
use ledger::{ClaimRequest, Database, OwnerShare, explain_claim};
use queue::Queue;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tests::ledger::{LEASE, NOW, user};
use tests::on_each_database;
use uuid::Uuid;

/// How many jobs a worker asks for at once.
const WANTED: usize = 16;

/// Buffers of a claim that gets all it wants: four candidates for each job, three of an index and
/// one of the table each, and what the update of sixteen rows touches.
const MOST_BUFFERS: u64 = 600;

/// Jobs that wait; all of them became due at one moment, as those of an import do.
const BACKLOG: u32 = 50_000;

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

async fn plan(db: &Database) -> String {
    let request = ClaimRequest {
        queue: Queue::Ingest,
        worker: "one",
        limit: WANTED,
        lease: LEASE,
        after: UserId(Uuid::nil()),
        now: NOW,
    };
    // A worker on which every owner has a part of what it may have.
    let share = OwnerShare {
        most: 28,
        held: vec![(UserId(Uuid::nil()), 14)],
    };
    let plan = explain_claim(db, &request, &share).await.unwrap();
    plan.join("\n")
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

#[on_each_database]
async fn a_claim_costs_the_same_whatever_waits(db: &Database) {
    let [alice, bob] = [user(db, "alice").await, user(db, "bob").await];
    due(db, bob, 100).await;
    due(db, alice, BACKLOG).await;
    let plan = plan(db).await;
    if db.writer().get_database_backend() == DbBackend::Postgres {
        assert!(buffers(&plan) < MOST_BUFFERS, "{plan}");
    } else {
        // Every job is found by an index; what is read in order is of the limited tables alone.
        let scans = plan.lines().filter(|line| line.contains("SCAN"));
        let unbounded: Vec<_> = scans.filter(|line| line.contains("SCAN jobs")).collect();
        assert_eq!(unbounded, [""; 0], "{plan}");
    }
}
