//! SQLite without room: what was answered is committed, before, meanwhile and after.

use domain::{Limits, UserId};
use ledger::{Database, accept};
use sea_orm::ConnectionTrait;
use tests::databases::TestDatabase;
use tests::ledger::{NOW, arrival, assert_balanced, count, limits, user};

/// More uploads than fit into the pages that are there.
const FAR_TOO_MANY: u32 = 1_000;

async fn is_accepted(db: &Database, owner: UserId) -> bool {
    let limits = Limits {
        default_quota_documents: FAR_TOO_MANY,
        ..limits()
    };
    let answer = accept(db, &limits, &[arrival(owner, "", NOW)]).await;
    answer.is_ok_and(|answers| answers == [Ok(())])
}

#[tokio::test]
async fn what_is_accepted_after_the_disk_was_full_is_committed() {
    let database = TestDatabase::sqlite().await;
    let db = &database.db;
    let owner = user(db, "alice").await;
    // Less than what is there means what is there.
    let no_room = "PRAGMA max_page_count = 1";
    db.writer().execute_unprepared(no_room).await.unwrap();
    let mut accepted: u32 = 0;
    while is_accepted(db, owner).await {
        accepted += 1;
        assert!(accepted < FAR_TOO_MANY, "there was always room");
    }
    let room = "PRAGMA max_page_count = 1000000";
    db.writer().execute_unprepared(room).await.unwrap();
    // Somebody who changes nothing after all.
    drop(db.begin().await.unwrap());
    for _ in 0..3 {
        assert!(is_accepted(db, owner).await);
        accepted += 1;
        let there = count(db, "SELECT count(*) FROM documents").await;
        assert_eq!(there, i64::from(accepted));
    }
    assert_balanced(db).await;
}
