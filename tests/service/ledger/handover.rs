//! How long after a migration processes of the former release may be working.

use std::time::Duration;

use domain::{Clock, SystemClock};
use ledger::{Database, handover_left};
use sea_orm::ConnectionTrait;
use tests::on_each_database;

async fn change(db: &Database, sql: &str) {
    db.writer().execute_unprepared(sql).await.unwrap();
}

#[on_each_database]
async fn only_a_schema_that_was_there_before_is_handed_over(db: &Database) {
    let left = async || handover_left(db, SystemClock.now()).await.unwrap();
    assert_eq!(left().await, Duration::ZERO, "a new database");

    let newest = "(SELECT max(version) FROM seaql_migrations)";
    let former = format!(
        "UPDATE seaql_migrations SET applied_at = applied_at - 86400 WHERE version <> {newest}"
    );
    change(db, &former).await;
    let remaining = left().await;
    assert!(
        remaining > Duration::ZERO && remaining <= Duration::from_mins(1),
        "{remaining:?}"
    );

    let long_ago = "UPDATE seaql_migrations SET applied_at = applied_at - 3600";
    change(db, long_ago).await;
    assert_eq!(left().await, Duration::ZERO);
}
