//! The ledger on each database: intake, claims, fences, outcomes, counters.

use std::time::Duration;

use domain::{ErrorCode, Status, UserId, Visibility};
use ledger::{
    Arrival, BlobOrigin, Database, IntakeRefusal, JobRef, Outcome, Settled, accept, discarded,
    find_document, hand_back, hand_back_unheard, renew_leases, settle,
};
use queue::Queue;
use tests::ledger::{
    LEASE, NOW, activated, arrival, claim_at, count, counters, failed, limits, settlement, stored,
    user,
};
use tests::on_each_database;

#[on_each_database]
async fn an_upload_goes_from_pending_to_active(db: &Database) {
    let owner = user(db, "alice").await;
    let arrival = arrival(owner, "hello", NOW);
    assert_eq!(
        accept(db, &limits(), std::slice::from_ref(&arrival))
            .await
            .unwrap(),
        [Ok(())]
    );
    assert_eq!(
        find_document(db, arrival.document).await.unwrap().unwrap(),
        arrival.document()
    );
    assert_eq!(counters(db, owner).await, (0, 5, 1));

    let claimed = claim_at(db, 10, NOW).await;
    assert_eq!(claimed.len(), 1);
    let done = settlement(db, &claimed[0], stored("file:///store/a")).await;
    let answers = settle(db, &[done], NOW).await.unwrap();
    assert_eq!(answers, [Settled::Committed { removable: vec![] }]);
    let document = find_document(db, arrival.document).await.unwrap().unwrap();
    assert_eq!(document.lifecycle.status(), Status::Active);
    assert_eq!(document.revision, 2);
    assert_eq!(counters(db, owner).await, (5, 0, 1));
    assert_eq!(count(db, "SELECT count(*) FROM events").await, 2);
    assert!(claim_at(db, 10, NOW).await.is_empty());
}

#[on_each_database]
async fn a_timeline_tells_each_step_in_order_and_page_by_page(db: &Database) {
    use ledger::{StepDone, timeline};

    let owner = user(db, "alice").await;
    let arrival = arrival(owner, "hello", NOW);
    accept(db, &limits(), std::slice::from_ref(&arrival))
        .await
        .unwrap();
    let claimed = claim_at(db, 1, NOW).await;
    let mut done = settlement(db, &claimed[0], stored("file:///store/a")).await;
    let step = |kind, millis| {
        let duration = Duration::from_millis(millis);
        StepDone {
            kind,
            at: NOW.plus(duration),
            duration,
        }
    };
    done.steps = vec![step("verified", 1), step("identified", 2)];
    settle(db, &[done], NOW.plus(Duration::from_millis(5)))
        .await
        .unwrap();
    let (mut kinds, mut after) = (Vec::new(), 0);
    loop {
        let page = timeline(db, arrival.document, after, 1).await.unwrap();
        let Some(event) = page.first() else { break };
        kinds.push((event.kind.clone(), event.duration_ms));
        after = event.sequence;
    }
    let expected = [
        ("accepted", None),
        ("verified", Some(1)),
        ("identified", Some(2)),
        ("activated", Some(5)),
    ];
    assert_eq!(
        kinds,
        expected.map(|(kind, duration)| (kind.to_owned(), duration))
    );
}

#[on_each_database]
async fn a_second_delivery_changes_nothing(db: &Database) {
    let owner = user(db, "alice").await;
    accept(db, &limits(), &[arrival(owner, "hello", NOW)])
        .await
        .unwrap();
    let first = claim_at(db, 10, NOW).await.remove(0);
    let late = settlement(db, &first, stored("file:///store/late")).await;
    // The lease ends, another worker claims the job and settles it.
    let second = claim_at(db, 10, NOW.plus(LEASE)).await.remove(0);
    assert_eq!(second.attempt, 2);
    assert_eq!(
        renew_leases(db, &[first.job], NOW.plus(LEASE))
            .await
            .unwrap(),
        [first.job]
    );
    assert_eq!(
        settle(db, std::slice::from_ref(&late), NOW).await.unwrap(),
        [Settled::LeaseLost]
    );
    let done = settlement(db, &second, stored("file:///store/a")).await;
    settle(db, std::slice::from_ref(&done), NOW).await.unwrap();
    for again in [late, done] {
        assert_eq!(
            settle(db, &[again], NOW).await.unwrap(),
            [Settled::LeaseLost]
        );
    }
    assert_eq!(counters(db, owner).await, (5, 0, 1));
    assert_eq!(count(db, "SELECT refs FROM blobs").await, 1);
}

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
async fn the_same_content_is_one_blob(db: &Database) {
    let (alice, bob) = (user(db, "alice").await, user(db, "bob").await);
    let arrivals = [alice, alice, bob].map(|owner| arrival(owner, "same", NOW));
    accept(db, &limits(), &arrivals).await.unwrap();
    let claimed = claim_at(db, 10, NOW).await;
    let mut group = Vec::new();
    for (index, job) in claimed.iter().enumerate() {
        group.push(settlement(db, job, stored(&format!("file:///store/{index}"))).await);
    }
    let answers = settle(db, &group, NOW).await.unwrap();
    let removable: usize = answers
        .iter()
        .map(|answer| match answer {
            Settled::Committed { removable } => removable.len(),
            Settled::LeaseLost => panic!("nobody else claimed it"),
        })
        .sum();
    assert_eq!(removable, 2);
    assert_eq!(discarded(db, "", 10).await.unwrap().len(), 2);
    assert_eq!(count(db, "SELECT refs FROM blobs").await, 3);
    assert_eq!(counters(db, alice).await, (8, 0, 2));
    assert_eq!(counters(db, bob).await, (4, 0, 1));
}

#[on_each_database]
async fn shared_content_that_is_gone_is_tried_again(db: &Database) {
    let owner = user(db, "alice").await;
    accept(
        db,
        &limits(),
        &[arrival(owner, "one", NOW), arrival(owner, "two", NOW)],
    )
    .await
    .unwrap();
    let claimed = claim_at(db, 10, NOW).await;
    let gone = settlement(
        db,
        &claimed[0],
        activated("file:///store/gone", BlobOrigin::Shared),
    )
    .await;
    let fine = settlement(db, &claimed[1], stored("file:///store/fine")).await;
    let answers = settle(db, &[gone, fine], NOW).await.unwrap();
    assert_eq!(
        answers,
        [
            Settled::Committed { removable: vec![] },
            Settled::Committed { removable: vec![] }
        ]
    );
    assert_eq!(counters(db, owner).await, (3, 3, 2));
    assert_eq!(claim_at(db, 10, NOW).await.len(), 1);
}

#[on_each_database]
async fn a_failure_releases_what_was_reserved(db: &Database) {
    let owner = user(db, "alice").await;
    let arrival = arrival(owner, "hello", NOW);
    accept(db, &limits(), std::slice::from_ref(&arrival))
        .await
        .unwrap();
    let claimed = claim_at(db, 10, NOW).await;
    let done = settlement(db, &claimed[0], failed(ErrorCode::TypeNotAllowed)).await;
    settle(db, &[done], NOW).await.unwrap();
    let document = find_document(db, arrival.document).await.unwrap().unwrap();
    assert_eq!(
        document.lifecycle.failure().unwrap().code,
        ErrorCode::TypeNotAllowed
    );
    assert_eq!(counters(db, owner).await, (0, 0, 0));
}

#[on_each_database]
async fn the_quota_is_never_passed_within_a_group(db: &Database) {
    let owner = user(db, "alice").await;
    let arrivals: Vec<_> = (0..5)
        .map(|_| arrival(owner, &"x".repeat(300), NOW))
        .collect();
    let answers = accept(db, &limits(), &arrivals).await.unwrap();
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 3);
    assert_eq!(
        answers
            .iter()
            .filter(|answer| **answer == Err(IntakeRefusal::QuotaExceeded))
            .count(),
        2
    );
    assert_eq!(counters(db, owner).await, (0, 900, 3));
    assert_eq!(count(db, "SELECT count(*) FROM documents").await, 3);
    assert_eq!(count(db, "SELECT count(*) FROM jobs").await, 3);
}

#[on_each_database]
async fn a_unique_name_is_taken_once(db: &Database) {
    let owner = user(db, "alice").await;
    let named = || Arrival {
        visibility: Visibility::Public {
            unique_name: "annual-report".parse().unwrap(),
        },
        ..arrival(owner, "hello", NOW)
    };
    let answers = accept(db, &limits(), &[named(), named()]).await.unwrap();
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(answers.contains(&Err(IntakeRefusal::UniqueNameTaken)));
    assert_eq!(
        accept(db, &limits(), &[named()]).await.unwrap(),
        [Err(IntakeRefusal::UniqueNameTaken)]
    );
    assert_eq!(counters(db, owner).await, (0, 5, 1));
}

#[on_each_database]
async fn an_owner_who_is_gone_is_told_apart(db: &Database) {
    let stranger = UserId::new(NOW);
    let answers = accept(db, &limits(), &[arrival(stranger, "hello", NOW)])
        .await
        .unwrap();
    assert_eq!(answers, [Err(IntakeRefusal::OwnerGone)]);
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
        hand_back_unheard(db, Queue::Ingest, worker, &[held], NOW)
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
