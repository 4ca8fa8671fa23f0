//! Bytes that users let go of and that wait to be removed: charged to those users until then.

use std::time::Duration;

use domain::{DocumentId, ErrorCode, Timestamp, UserId};
use ledger::{
    Database, DueDiscard, Precondition, Target, delete_document, discard_level, discarded,
    expire_failed, forget_discarded, recount_discarded_bytes, upload_room,
};
use sea_orm::ConnectionTrait;
use tests::ledger::{
    NOW, accepted, active, arrival, assert_balanced, count, failed, limits, settle_all, user,
};
use tests::on_each_database;
use uuid::Uuid;

/// Later than whatever these tests discard.
const FAR: Timestamp = Timestamp::from_micros(i64::MAX / 2);

/// What an object is charged at least.
const BLOCK: u64 = 4 << 10;

fn traces(staged: &str) -> Vec<String> {
    vec![staged.to_owned(), staged.replace("staging", "store")]
}

async fn deletes(db: &Database, owner: UserId, document: DocumentId) {
    let target = Target {
        document,
        owner,
        precondition: Precondition::None,
    };
    delete_document(db, &target, NOW, traces).await.unwrap();
}

/// What a user is charged for bytes that wait.
async fn charged(db: &Database, owner: UserId) -> u64 {
    let most = limits().removal_allowance(&domain::Quota::default());
    let room = upload_room(db, (owner, Uuid::nil()), &limits(), NOW).await;
    most.bytes() - room.unwrap().unwrap().removal
}

async fn forgets_all(db: &Database) {
    let urls = discarded(db, &DueDiscard::default(), 100, FAR)
        .await
        .unwrap();
    forget_discarded(db, &urls).await.unwrap();
}

#[on_each_database]
async fn whoever_lets_go_of_bytes_is_charged_until_they_are_removed(db: &Database) {
    let owner = user(db, "alice").await;
    let kept = active(db, owner, "some words").await;
    let small = active(db, owner, "small").await;
    assert_eq!(charged(db, owner).await, 0);
    deletes(db, owner, kept).await;
    deletes(db, owner, small).await;
    let both = 2 * BLOCK;
    assert_eq!(charged(db, owner).await, both);
    let level = discard_level(db).await.unwrap();
    assert_eq!((level.objects, level.bytes), (2, both));
    assert_balanced(db).await;
    forgets_all(db).await;
    assert_eq!(charged(db, owner).await, 0);
    // One that is pending may lie in either place, and is charged once.
    let pending = accepted(db, arrival(owner, "pending", NOW)).await;
    deletes(db, owner, pending).await;
    assert_eq!(
        discarded(db, &DueDiscard::default(), 10, FAR)
            .await
            .unwrap()
            .len(),
        2
    );
    assert_eq!(charged(db, owner).await, BLOCK);
    forgets_all(db).await;
    // Bytes of one that failed are moved from one counter to the other.
    accepted(db, arrival(owner, "refused", NOW)).await;
    settle_all(db, NOW, |_| failed(ErrorCode::TypeNotAllowed)).await;
    let later = NOW.plus(Duration::from_secs(1));
    assert_eq!(
        expire_failed(db, later, 10, later, traces).await.unwrap(),
        1
    );
    assert_eq!(charged(db, owner).await, BLOCK);
    assert_balanced(db).await;
    forgets_all(db).await;
    assert_balanced(db).await;
}

#[on_each_database]
async fn shared_content_is_charged_to_who_lets_go_of_it_last(db: &Database) {
    let (alice, bob) = (user(db, "alice").await, user(db, "bob").await);
    let of_alice = active(db, alice, "the same words").await;
    let of_bob = active(db, bob, "the same words").await;
    deletes(db, alice, of_alice).await;
    assert_eq!((charged(db, alice).await, charged(db, bob).await), (0, 0));
    deletes(db, bob, of_bob).await;
    assert_eq!(
        (charged(db, alice).await, charged(db, bob).await),
        (0, BLOCK)
    );
    assert_balanced(db).await;
}

#[on_each_database]
async fn a_removal_that_charged_nothing_back_is_mended(db: &Database) {
    let (alice, bob) = (user(db, "alice").await, user(db, "bob").await);
    let of_alice = active(db, alice, "words of alice").await;
    let of_bob = active(db, bob, "words of bob").await;
    deletes(db, alice, of_alice).await;
    // As a release does that doesn't know of the counter.
    db.writer()
        .execute_unprepared("DELETE FROM discards")
        .await
        .unwrap();
    deletes(db, bob, of_bob).await;
    recount_discarded_bytes(db).await.unwrap();
    assert_eq!(
        (charged(db, alice).await, charged(db, bob).await),
        (0, BLOCK)
    );
    assert_balanced(db).await;
    assert_eq!(count(db, "SELECT count(*) FROM discards").await, 1);
}

#[on_each_database]
async fn what_waits_is_paged_by_when_it_is_due(db: &Database) {
    let insert = async |at: Timestamp, url: &str| {
        let sql = format!(
            "INSERT INTO discards (url, at) VALUES ('{url}', {})",
            at.as_micros()
        );
        db.writer().execute_unprepared(&sql).await.unwrap();
    };
    let later = NOW.plus(Duration::from_hours(1));
    for (at, url) in [(later, "a"), (NOW, "d"), (NOW, "b"), (later, "c")] {
        insert(at, url).await;
    }
    let page = async |after: &DueDiscard, now: Timestamp| {
        let found = discarded(db, after, 3, now).await.unwrap();
        let urls: Vec<_> = found.iter().map(|due| due.url.clone()).collect();
        (urls.concat(), found.last().cloned().unwrap_or_default())
    };
    let first = DueDiscard::default();
    assert_eq!(page(&first, NOW).await.0, "bd");
    let (urls, last) = page(&first, later).await;
    assert_eq!(urls, "bda");
    assert_eq!(page(&last, later).await.0, "c");
    let before = NOW.minus(Duration::from_micros(1));
    assert_eq!(page(&first, before).await.0, "");
}
