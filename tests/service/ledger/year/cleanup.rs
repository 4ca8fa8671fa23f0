//! A year of the service: uploads, edits, operations, exports, imports, failures, keys, users who
//! come and go. The cleanup holds every table of the schema to what it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::ManualClock;
use ledger::Database;
use storage::{StorageRouter, StorageUrl};
use tests::ledger::{NOW, user};
use tests::on_each_database;
use tokio_util::sync::CancellationToken;

use super::service::{MONTH, Service, roomy};
use super::tables::TABLES;

#[on_each_database]
async fn a_year_leaves_every_table_as_it_was(db: &Database) {
    let folder = tempfile::tempdir().unwrap();
    let place = |name| StorageUrl::from_directory(&folder.path().join(name)).unwrap();
    let mut limits = roomy();
    limits.types.blocked = vec!["text/html".parse().unwrap()];
    let service = Service {
        db,
        places: StorageRouter::connect(&place("staging"), &place("store"))
            .await
            .unwrap(),
        feed: Arc::default(),
        clock: Arc::new(ManualClock::starting_at(NOW)),
        limits: Arc::new(limits),
        owner: user(db, "alice").await,
    };
    service.role().ownership.verify().await.unwrap();
    let shutdown = CancellationToken::new();
    let working = tokio::spawn(worker::run(service.role(), shutdown.clone()));
    let lasting = service.uploads("what it says at first").await;
    service.runs_dry().await;
    let (mut baseline, mut most) = (BTreeMap::new(), BTreeMap::<String, i64>::new());
    for month in 0..13 {
        service.lives(month, lasting).await;
        for (table, number) in service.rows().await {
            let most = most.entry(table).or_default();
            *most = number.max(*most);
        }
        service.clock.advance(MONTH);
        service.cleans_up().await;
        let kept = service.rows().await;
        let unnamed: Vec<_> = kept
            .keys()
            .filter(|table| TABLES.iter().all(|(name, ..)| name != table))
            .collect();
        assert!(unnamed.is_empty(), "what bounds {unnamed:?}?");
        // The first months make what stays: versions, old events.
        if month < 3 {
            baseline = kept;
            continue;
        }
        for (table, number) in kept {
            let (_, bound, more) = TABLES.iter().find(|(name, ..)| *name == table).unwrap();
            assert!(
                number <= baseline[&table] + more,
                "{table} has {number} rows in month {month}, bounded by: {bound}; {baseline:?}"
            );
        }
    }
    // Otherwise this would tell nothing of them.
    for table in [
        "documents",
        "events",
        "idempotency",
        "operation_items",
        "operations",
        "versions",
    ] {
        assert!(
            most[table] > baseline[table],
            "{table}: {} and {}",
            most[table],
            baseline[table]
        );
    }
    shutdown.cancel();
    working.await.unwrap().unwrap();
}
