//! Requests with an idempotency key on each database: which one runs, what the others are told.

use std::time::Duration;

use domain::{Sha256, Timestamp, UserId};
use ledger::{
    Begin, Database, KEPT_FOR, KeyedRequest, RequestClaim, SavedAnswer, abandon_request,
    begin_request, finish_request, forget_expired_requests, remove_user, renew_request,
};
use tests::ledger::{NOW, count, user};
use tests::on_each_database;

const PATIENCE: Duration = Duration::from_mins(2);

fn request(owner: UserId, key: &str, content: &str) -> KeyedRequest {
    KeyedRequest {
        owner,
        key: key.to_owned(),
        hash: Sha256::of(content.as_bytes()),
    }
}

async fn begin(db: &Database, request: &KeyedRequest, now: Timestamp) -> Begin {
    begin_request(db, request, now, PATIENCE).await.unwrap()
}

async fn started(db: &Database, request: &KeyedRequest, now: Timestamp) -> RequestClaim {
    match begin(db, request, now).await {
        Begin::Started(claim) => claim,
        other => panic!("{other:?}"),
    }
}

fn answer() -> SavedAnswer {
    SavedAnswer {
        status: 202,
        headers: vec![("Location".to_owned(), "/v1/documents/1".to_owned())],
        body: vec![0, b'{', 0xff],
    }
}

#[on_each_database]
async fn of_twenty_at_once_one_starts(db: &Database) {
    let request = request(user(db, "alice").await, "k", "a");
    let answers = futures::future::join_all((0..20).map(|_| begin(db, &request, NOW))).await;
    let started = answers
        .iter()
        .filter(|answer| matches!(answer, Begin::Started(_)));
    assert_eq!(started.count(), 1);
    assert_eq!(
        answers
            .iter()
            .filter(|answer| **answer == Begin::InProgress)
            .count(),
        19
    );
}

#[on_each_database]
async fn an_equal_request_gets_the_first_answer(db: &Database) {
    let request = request(user(db, "alice").await, "k", "a");
    let claim = started(db, &request, NOW).await;
    finish_request(db, &claim, &answer()).await.unwrap();
    assert_eq!(begin(db, &request, NOW).await, Begin::Replay(answer()));
    // Long after it would have been taken over had it not ended.
    assert_eq!(
        begin(db, &request, NOW.plus(PATIENCE * 9)).await,
        Begin::Replay(answer())
    );
}

#[on_each_database]
async fn another_request_may_not_use_the_key(db: &Database) {
    let owner = user(db, "alice").await;
    let claim = started(db, &request(owner, "k", "a"), NOW).await;
    let other = request(owner, "k", "b");
    assert_eq!(begin(db, &other, NOW).await, Begin::Reused);
    assert_eq!(begin(db, &other, NOW.plus(PATIENCE)).await, Begin::Reused);
    finish_request(db, &claim, &answer()).await.unwrap();
    assert_eq!(begin(db, &other, NOW).await, Begin::Reused);
}

#[on_each_database]
async fn keys_of_two_users_are_two_keys(db: &Database) {
    let (alice, bob) = (user(db, "alice").await, user(db, "bob").await);
    started(db, &request(alice, "k", "a"), NOW).await;
    started(db, &request(bob, "k", "b"), NOW).await;
    started(db, &request(alice, "K", "a"), NOW).await;
}

#[on_each_database]
async fn an_abandoned_key_is_free(db: &Database) {
    let owner = user(db, "alice").await;
    let claim = started(db, &request(owner, "k", "a"), NOW).await;
    abandon_request(db, &claim).await.unwrap();
    started(db, &request(owner, "k", "b"), NOW).await;
}

#[on_each_database]
async fn a_dead_process_is_followed_by_another(db: &Database) {
    let request = request(user(db, "alice").await, "k", "a");
    let first = started(db, &request, NOW).await;
    let almost = NOW.plus(PATIENCE.saturating_sub(Duration::from_micros(1)));
    assert_eq!(begin(db, &request, almost).await, Begin::InProgress);
    let later = NOW.plus(PATIENCE);
    let answers = futures::future::join_all((0..20).map(|_| begin(db, &request, later))).await;
    let mut claims = answers.into_iter().filter_map(|answer| match answer {
        Begin::Started(claim) => Some(claim),
        _ => None,
    });
    let second = claims.next().unwrap();
    assert_eq!(claims.next(), None);
    assert_ne!(second, first);
    // The former one lives after all: what it says has no effect.
    abandon_request(db, &first).await.unwrap();
    finish_request(
        db,
        &first,
        &SavedAnswer {
            status: 500,
            ..answer()
        },
    )
    .await
    .unwrap();
    assert_eq!(begin(db, &request, later).await, Begin::InProgress);
    finish_request(db, &second, &answer()).await.unwrap();
    assert_eq!(begin(db, &request, later).await, Begin::Replay(answer()));
}

#[on_each_database]
async fn an_answer_is_kept_for_a_day(db: &Database) {
    let owner = user(db, "alice").await;
    for (key, at) in [("a", NOW), ("b", NOW), ("c", NOW.plus(PATIENCE))] {
        let claim = started(db, &request(owner, key, key), at).await;
        finish_request(db, &claim, &answer()).await.unwrap();
    }
    let end = NOW.plus(KEPT_FOR);
    assert_eq!(
        begin(db, &request(owner, "c", "c"), end).await,
        Begin::Replay(answer())
    );
    // Expired, though the cleanup has not come yet.
    let anew = started(db, &request(owner, "a", "other"), end).await;
    assert_eq!(
        begin(db, &request(owner, "a", "other"), end).await,
        Begin::InProgress
    );
    finish_request(db, &anew, &answer()).await.unwrap();
    assert_eq!(forget_expired_requests(db, end, 100).await.unwrap(), 1);
    assert_eq!(count(db, "SELECT count(*) FROM idempotency").await, 2);
    let end = end.plus(KEPT_FOR);
    assert_eq!(forget_expired_requests(db, end, 1).await.unwrap(), 1);
    assert_eq!(forget_expired_requests(db, end, 100).await.unwrap(), 1);
    assert_eq!(forget_expired_requests(db, end, 100).await.unwrap(), 0);
}

#[on_each_database]
async fn so_many_keys_of_an_owner_are_kept(db: &Database) {
    let db = &db.clone().with_keys(4);
    let (alice, bob) = (user(db, "alice").await, user(db, "bob").await);
    for key in ["a", "b", "c", "d"] {
        let claim = started(db, &request(alice, key, key), NOW).await;
        if key != "d" {
            finish_request(db, &claim, &answer()).await.unwrap();
        }
    }
    assert_eq!(
        begin(db, &request(alice, "e", "e"), NOW).await,
        Begin::NoRoom
    );
    // What is kept is answered, and goes on if its process died.
    assert_eq!(
        begin(db, &request(alice, "a", "a"), NOW).await,
        Begin::Replay(answer())
    );
    assert_eq!(
        begin(db, &request(alice, "a", "b"), NOW).await,
        Begin::Reused
    );
    assert_eq!(
        begin(db, &request(alice, "d", "d"), NOW).await,
        Begin::InProgress
    );
    started(db, &request(alice, "d", "d"), NOW.plus(PATIENCE)).await;
    started(db, &request(bob, "e", "e"), NOW).await;
    // With the next day, and the cleanup, there is room again.
    let later = NOW.plus(KEPT_FOR);
    assert_eq!(
        begin(db, &request(alice, "e", "e"), later).await,
        Begin::NoRoom
    );
    forget_expired_requests(db, later, 100).await.unwrap();
    started(db, &request(alice, "e", "e"), later.plus(PATIENCE)).await;
}

#[on_each_database]
async fn so_many_bytes_of_answers_are_kept(db: &Database) {
    let db = &db.clone().with_keys(32);
    let owner = user(db, "alice").await;
    let large = SavedAnswer {
        body: vec![b'x'; 16 << 10],
        ..answer()
    };
    let mut kept = 0;
    while let Begin::Started(claim) = begin(db, &request(owner, &kept.to_string(), "a"), NOW).await
    {
        finish_request(db, &claim, &large).await.unwrap();
        kept += 1;
        assert!(kept < 32);
    }
    assert_eq!(kept, 8);
    assert!(ledger::has_no_room(db, owner, NOW));
}

#[on_each_database]
async fn keys_go_with_their_owner(db: &Database) {
    let owner = user(db, "alice").await;
    started(db, &request(owner, "k", "a"), NOW).await;
    remove_user(db, owner, NOW, |_| vec![]).await.unwrap();
    assert_eq!(count(db, "SELECT count(*) FROM idempotency").await, 0);
}

#[on_each_database]
async fn a_renewed_claim_is_not_taken_over(db: &Database) {
    let unread = request(user(db, "alice").await, "k", "only the target");
    let claim = started(db, &unread, NOW).await;
    let later = NOW.plus(PATIENCE);
    renew_request(db, &claim, later).await.unwrap();
    assert_eq!(begin(db, &unread, later).await, Begin::InProgress);
    // Its answer belongs to the whole request.
    let whole = Sha256::of(b"with the body");
    finish_request(db, &claim.with_hash(whole), &answer())
        .await
        .unwrap();
    assert_eq!(begin(db, &unread, later).await, Begin::Reused);
    let whole = KeyedRequest {
        hash: whole,
        ..unread
    };
    assert_eq!(begin(db, &whole, later).await, Begin::Replay(answer()));
}
