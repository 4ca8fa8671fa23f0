//! Claims of jobs: turns, leases, fences and attempts.

use std::time::Duration;

use domain::ErrorCode;
use ledger::{
    Database, JobRef, Outcome, Settled, accept, hand_back, hand_back_unacknowledged,
    queues_with_due_jobs, renew_leases, settle,
};
use queue::Queue;
use tests::ledger::{
    LEASE, NOW, arrival, claim_at, count, counters, failed, limits, settlement, stored, user,
};
use tests::on_each_database;

#[on_each_database]
async fn two_claims_of_a_job_in_one_group_count_once(db: &Database) {
    let owner = user(db, "alice").await;
    for content in ["hello", "world"] {
        accept(db, &limits(), &[arrival(owner, content, NOW)])
            .await
            .unwrap();
    }
    let mut group = Vec::new();
    for claimed in claim_at(db, 10, NOW).await {
        group.push(settlement(db, &claimed, stored("file:///store/late")).await);
    }
    // The leases end, and the same process claims both again.
    for (index, claimed) in claim_at(db, 10, NOW.plus(LEASE)).await.iter().enumerate() {
        let done = settlement(db, claimed, stored(&format!("file:///store/{index}"))).await;
        let again = settlement(db, claimed, failed(ErrorCode::Internal)).await;
        group.extend([done, again]);
    }
    // The late ones stand in front and behind.
    group.rotate_left(1);
    let answers = settle(db, &group, NOW.plus(LEASE)).await.unwrap();
    let committed = |answer: &Settled| matches!(answer, Settled::Committed { .. });
    let committed: Vec<_> = answers.iter().map(committed).collect();
    assert_eq!(committed, [false, true, false, true, false, false]);
    assert_eq!(counters(db, owner).await, (10, 0, 2));
    assert_eq!(
        count(db, "SELECT count(*) FROM blobs WHERE refs = 1").await,
        2
    );
    let activated = "SELECT count(*) FROM events WHERE kind = 'activated'";
    assert_eq!(count(db, activated).await, 2);
    tests::ledger::assert_balanced(db).await;
}

#[on_each_database]
async fn claims_go_in_rounds_over_the_owners(db: &Database) {
    let (alice, bob) = (user(db, "alice").await, user(db, "bob").await);
    let many: Vec<_> = (0..50).map(|_| arrival(alice, "a", NOW)).collect();
    accept(db, &limits(), &many).await.unwrap();
    accept(
        db,
        &limits(),
        &[arrival(bob, "b", NOW.plus(Duration::from_millis(1)))],
    )
    .await
    .unwrap();
    let claimed = claim_at(db, 4, NOW.plus(LEASE)).await;
    assert_eq!(claimed.len(), 4);
    assert!(claimed.iter().any(|job| job.owner == bob));
}

#[on_each_database]
async fn polls_learn_of_due_jobs_and_of_leases_that_are_over(db: &Database) {
    let due = async |now| queues_with_due_jobs(db, &Queue::ALL, now).await.unwrap();
    let owner = user(db, "alice").await;
    assert_eq!(due(NOW).await, []);
    accept(db, &limits(), &[arrival(owner, "hello", NOW)])
        .await
        .unwrap();
    let before = NOW.minus(Duration::from_micros(1));
    assert_eq!(due(before).await, [], "it isn't due yet");
    assert_eq!(due(NOW).await, [Queue::Ingest]);
    assert_eq!(claim_at(db, 10, NOW).await.len(), 1);
    assert_eq!(due(NOW).await, [], "somebody works on it");
    assert_eq!(due(NOW.plus(LEASE)).await, [Queue::Ingest]);
    let others = [Queue::Bulk, Queue::Deliver];
    let of_others = queues_with_due_jobs(db, &others, NOW.plus(LEASE)).await;
    assert_eq!(of_others.unwrap(), []);
    assert_eq!(queues_with_due_jobs(db, &[], NOW).await.unwrap(), []);
}

#[on_each_database]
async fn a_job_that_is_handed_back_counts_no_attempt(db: &Database) {
    let owner = user(db, "alice").await;
    accept(db, &limits(), &[arrival(owner, "hello", NOW)])
        .await
        .unwrap();
    let claimed = claim_at(db, 10, NOW).await;
    hand_back(db, &[claimed[0].job], NOW).await.unwrap();
    let again = claim_at(db, 10, NOW).await;
    assert_eq!((again[0].attempt, again[0].job.fence), (1, 2));
}

#[on_each_database]
async fn a_kind_of_a_newer_release_waits_and_harms_nobody(db: &Database) {
    use sea_orm::ConnectionTrait;

    let owner = user(db, "alice").await;
    accept(
        db,
        &limits(),
        &[arrival(owner, "one", NOW), arrival(owner, "two", NOW)],
    )
    .await
    .unwrap();
    let newer = "UPDATE jobs SET kind = 'of_a_newer_release' WHERE id = (SELECT min(CAST(id AS text)) FROM jobs)";
    let newer = match db.writer().get_database_backend() {
        sea_orm::DbBackend::Postgres => newer.replace("WHERE id =", "WHERE CAST(id AS text) ="),
        _ => newer.replace("min(CAST(id AS text))", "min(id)"),
    };
    db.writer().execute_unprepared(&newer).await.unwrap();
    assert_eq!(claim_at(db, 10, NOW).await.len(), 1);
    assert!(claim_at(db, 10, NOW).await.is_empty());
}

#[on_each_database]
async fn a_lease_that_is_renewed_keeps_others_away(db: &Database) {
    let owner = user(db, "alice").await;
    accept(db, &limits(), &[arrival(owner, "hello", NOW)])
        .await
        .unwrap();
    let claimed = claim_at(db, 10, NOW).await;
    let jobs: Vec<JobRef> = claimed.iter().map(|job| job.job).collect();
    assert!(
        renew_leases(db, &jobs, NOW.plus(LEASE * 2))
            .await
            .unwrap()
            .is_empty()
    );
    assert!(claim_at(db, 10, NOW.plus(LEASE)).await.is_empty());
    assert_eq!(claim_at(db, 10, NOW.plus(LEASE * 2)).await.len(), 1);
}

#[on_each_database]
async fn a_lease_is_not_lost_by_settling_its_job(db: &Database) {
    let owner = user(db, "alice").await;
    for content in ["done", "again", "taken"] {
        accept(db, &limits(), &[arrival(owner, content, NOW)])
            .await
            .unwrap();
    }
    let claimed = claim_at(db, 10, NOW).await;
    let jobs: Vec<JobRef> = claimed.iter().map(|job| job.job).collect();
    let done = settlement(db, &claimed[0], stored("file:///store/done")).await;
    let run_at = NOW.plus(LEASE * 2);
    let again = Outcome::Again {
        run_at,
        code: ErrorCode::Internal,
        cause: "a test".to_owned(),
    };
    let again = settlement(db, &claimed[1], again).await;
    settle(db, &[done, again], NOW).await.unwrap();
    assert!(
        renew_leases(db, &jobs, NOW.plus(LEASE))
            .await
            .unwrap()
            .is_empty()
    );
    let taken = claim_at(db, 10, NOW.plus(LEASE)).await;
    assert_eq!(taken.len(), 1);
    assert_eq!(
        renew_leases(db, &jobs, NOW.plus(LEASE * 2)).await.unwrap(),
        [jobs[2]]
    );
    assert_eq!(claim_at(db, 10, run_at).await.len(), 2);
    let lost = renew_leases(db, &jobs, run_at.plus(LEASE)).await.unwrap();
    assert!(lost.len() == 2 && !lost.contains(&jobs[0]), "{lost:?}");
}

#[on_each_database]
async fn an_attempt_that_is_handed_back_does_not_count(db: &Database) {
    let owner = user(db, "alice").await;
    accept(db, &limits(), &[arrival(owner, "patient", NOW)])
        .await
        .unwrap();
    for _ in 0..20 {
        let claimed = claim_at(db, 1, NOW).await.remove(0);
        assert_eq!(claimed.attempt, 1);
        // It is no suspect: what it failed with is noted.
        assert!(!claimed.is_suspect());
        let back = Outcome::HandedBack {
            run_at: NOW,
            cause: "storage is away".to_owned(),
        };
        let back = settlement(db, &claimed, back).await;
        settle(db, &[back], NOW).await.unwrap();
    }
    let events = "SELECT count(*) FROM events WHERE kind <> 'accepted'";
    assert_eq!(count(db, events).await, 0);
    let noted = "SELECT count(*) FROM jobs WHERE last_error = 'storage is away' AND attempts = 0";
    assert_eq!(count(db, noted).await, 1);
}

#[on_each_database]
async fn a_claim_whose_answer_was_lost_is_given_back(db: &Database) {
    let owner = user(db, "alice").await;
    for content in ["heard", "lost", "lost as well"] {
        accept(db, &limits(), &[arrival(owner, content, NOW)])
            .await
            .unwrap();
    }
    let held = claim_at(db, 1, NOW).await.remove(0).job;
    // Nobody ever hears of these.
    assert_eq!(claim_at(db, 2, NOW).await.len(), 2);
    let unheard = async |worker| {
        hand_back_unacknowledged(db, Queue::Ingest, worker, &[held], NOW)
            .await
            .unwrap()
    };
    assert_eq!(unheard("another").await, 0);
    assert_eq!(unheard("w").await, 2);
    assert_eq!(unheard("w").await, 0);
    let again = claim_at(db, 10, NOW).await;
    assert_eq!(again.len(), 2);
    assert!(
        again
            .iter()
            .all(|claimed| claimed.attempt == 1 && claimed.job.id != held.id)
    );
    assert_eq!(
        renew_leases(db, &[held], NOW.plus(LEASE)).await.unwrap(),
        []
    );
}
