//! Repairs of documents while their content moves to another place.

use std::time::Duration;

use ledger::{Database, find_document};
use sea_orm::ConnectionTrait;
use tests::databases::TestDatabase;
use tests::ledger::{NOW, active, count, user};
use tests::poll::wait_until;

const PATIENCE: Duration = Duration::from_secs(30);

const WAITING: &str = "SELECT count(*) FROM pg_stat_activity \
     WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// Of SQLite there is one writer.
#[tokio::test]
async fn a_repair_waits_for_the_move_of_its_content() {
    let database = TestDatabase::postgres().await;
    let db: &Database = &database.db;
    let owner = user(db, "alice").await;
    let document = active(db, owner, "some words").await;
    let damage = "UPDATE documents SET mime_type = 'text/other'";
    db.writer().execute_unprepared(damage).await.unwrap();

    let moving = db.begin().await.unwrap();
    let switch = "UPDATE blobs SET storage_url = 'file:///elsewhere/a'";
    moving.execute_unprepared(switch).await.unwrap();
    let repairing = ledger::audit::repair_document(db, document, NOW);
    let ending = async {
        let waits = async || count(db, WAITING).await > 0;
        wait_until(PATIENCE, "the repair waits", waits).await;
        moving.commit().await.unwrap();
    };
    let (repaired, ()) = tokio::join!(repairing, ending);
    assert!(repaired.unwrap());
    let found = find_document(db, document).await.unwrap().unwrap();
    let shown = found.active().unwrap().location.as_str();
    assert_eq!(shown, "file:///elsewhere/a");
}
