//! What a claim leaves to others: no owner gets more than a share of a worker's slots.

use domain::UserId;
use ledger::{ClaimRequest, ClaimedJob, Database, NewJob, OwnerShare, claim_within, enqueue};
use queue::{JobKind, Queue};
use tests::ledger::{LEASE, NOW, user};
use tests::on_each_database;
use uuid::Uuid;

async fn asks_for(db: &Database, owner: UserId, operations: usize) {
    let jobs: Vec<_> = (0..operations)
        .map(|_| NewJob::without_subject(JobKind::RunOperation, owner, NOW))
        .collect();
    enqueue(db.writer(), &jobs, NOW).await.unwrap();
}

async fn claims(db: &Database, limit: usize, share: &OwnerShare) -> Vec<ClaimedJob> {
    let request = ClaimRequest {
        queue: Queue::Bulk,
        worker: "w",
        limit,
        lease: LEASE,
        after: UserId(Uuid::nil()),
        now: NOW,
    };
    claim_within(db, &request, &JobKind::ALL, share)
        .await
        .unwrap()
}

fn count(claimed: &[ClaimedJob], owner: UserId) -> usize {
    claimed.iter().filter(|job| job.owner == owner).count()
}

#[on_each_database]
async fn a_claim_keeps_to_the_shares_of_owners(db: &Database) {
    let (alice, bob) = (user(db, "alice").await, user(db, "bob").await);
    asks_for(db, alice, 100).await;
    let share = |held| OwnerShare { most: 8, held };
    assert_eq!(claims(db, 16, &share(vec![])).await.len(), 8);
    assert_eq!(claims(db, 16, &share(vec![(alice, 8)])).await.len(), 0);
    assert_eq!(claims(db, 16, &share(vec![(alice, 6)])).await.len(), 2);
    asks_for(db, bob, 3).await;
    let claimed = claims(db, 16, &share(vec![(alice, 7)])).await;
    assert_eq!((count(&claimed, alice), count(&claimed, bob)), (1, 3));
    asks_for(db, bob, 100).await;
    let claimed = claims(db, 4, &share(vec![(alice, 7)])).await;
    assert_eq!((count(&claimed, alice), count(&claimed, bob)), (1, 3));
    let claimed = claims(db, 16, &share(vec![(bob, 5)])).await;
    assert_eq!((count(&claimed, alice), count(&claimed, bob)), (8, 3));
    assert_eq!(claims(db, 16, &OwnerShare::unlimited()).await.len(), 16);
}

#[on_each_database]
async fn workers_that_claim_at_once_find_different_jobs(db: &Database) {
    let alice = user(db, "alice").await;
    asks_for(db, alice, 20).await;
    let share = OwnerShare {
        most: 8,
        held: vec![(alice, 3)],
    };
    let both = tokio::join!(claims(db, 16, &share), claims(db, 16, &share));
    let mut jobs: Vec<_> = both
        .0
        .iter()
        .chain(&both.1)
        .map(|claimed| claimed.job.id)
        .collect();
    assert_eq!(jobs.len(), 10);
    jobs.sort();
    jobs.dedup();
    assert_eq!(jobs.len(), 10);
}
