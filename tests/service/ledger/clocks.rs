//! Processes whose own clocks are wrong: leases are told by the database's.

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, SystemClock, Timestamp, UserId};
use ledger::{ClaimRequest, ClaimedJob, Database, DatabaseClock, accept, claim_jobs};
use queue::Queue;
use tests::databases::TestDatabase;
use tests::ledger::{arrival, limits, user};
use uuid::Uuid;

const HOUR: Duration = Duration::from_hours(1);

/// A clock of a process that is wrong by an hour.
#[derive(Debug)]
enum Wrong {
    Ahead,
    Behind,
}

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        match self {
            Self::Ahead => SystemClock.now().plus(HOUR),
            Self::Behind => SystemClock.now().minus(HOUR),
        }
    }
}

async fn claims(db: &Database, worker: &str, now: Timestamp) -> Vec<ClaimedJob> {
    let request = ClaimRequest {
        queue: Queue::Ingest,
        worker,
        limit: 10,
        lease: Duration::from_secs(20),
        after: UserId(Uuid::nil()),
        now,
    };
    claim_jobs(db, &request).await.unwrap()
}

#[tokio::test]
async fn workers_whose_clocks_differ_by_hours_leave_each_other_s_jobs_alone() {
    let database = TestDatabase::postgres().await;
    let db = &database.db;
    let ahead = DatabaseClock::starting_with(Arc::new(Wrong::Ahead));
    let behind = DatabaseClock::starting_with(Arc::new(Wrong::Behind));
    for clock in [&ahead, &behind] {
        clock.set_by(db).await.unwrap();
    }
    let owner = user(db, "alice").await;
    let upload = arrival(owner, "", ahead.now());
    accept(db, &limits(), &[upload]).await.unwrap();
    // The other one finds what is due, whichever clock told when.
    let claimed = claims(db, "behind", behind.now().plus(Duration::from_secs(1))).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!(claims(db, "ahead", ahead.now()).await, []);
    // By its own clock it would have stolen the job.
    assert_eq!(claims(db, "thief", Wrong::Ahead.now()).await.len(), 1);
}

#[tokio::test]
async fn a_clock_follows_the_database_and_not_its_process() {
    let database = TestDatabase::postgres().await;
    let clock = DatabaseClock::starting_with(Arc::new(Wrong::Behind));
    assert!(SystemClock.now().since(clock.now()) > HOUR / 2);
    clock.set_by(&database.db).await.unwrap();
    // The server of the tests has the same clock as they.
    let off = SystemClock.now().since(clock.now());
    assert!(off.max(clock.now().since(SystemClock.now())) < HOUR / 2);
}
