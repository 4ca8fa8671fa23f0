//! Uploads in the ledger: intake, outcomes, timelines and counters.

use std::time::Duration;

use domain::{ErrorCode, Status, Timestamp, UserId, Visibility};
use ledger::{
    Arrival, BlobOrigin, Database, DueDiscard, IntakeRefusal, Settled, accept, discarded,
    find_document, renew_leases, settle,
};
use tests::ledger::{
    LEASE, NOW, activated, arrival, claim_at, count, counters, failed, limits, settlement, stored,
    user,
};
use tests::on_each_database;

/// Later than whatever these tests discard.
const FAR: Timestamp = Timestamp::from_micros(i64::MAX / 2);

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
    assert_eq!(
        discarded(db, &DueDiscard::default(), 10, FAR)
            .await
            .unwrap()
            .len(),
        2
    );
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
