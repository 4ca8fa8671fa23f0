//! Pending deliveries are counted for the metrics, at the same cost however many wait.

use domain::{Timestamp, UserId};
use ledger::{Database, DeliveryLevel, delivery_level};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use tests::ledger::{NOW, user};
use tests::on_each_database;

async fn execute(db: &Database, sql: &str, values: Vec<Value>) {
    let backend = db.writer().get_database_backend();
    let statement = Statement::from_sql_and_values(backend, sql, values);
    db.writer().execute_raw(statement).await.unwrap();
}

/// Has so many deliveries of the owner wait, of which one is due each microsecond after `at`.
async fn wait(db: &Database, owner: UserId, count: i64, at: Timestamp) {
    let webhook = "INSERT INTO webhooks (id, owner_id, url, types, status, secret, position, created_at) \
         VALUES ($1, $1, 'https://8.8.8.8/', '[]', 'enabled', '', 0, 1)";
    execute(db, webhook, vec![owner.0.into()]).await;
    let (id, numbers) = match db.writer().get_database_backend() {
        DbBackend::Postgres => (
            "gen_random_uuid()",
            "generate_series(1, $2::bigint) AS number",
        ),
        _ => (
            "randomblob(16)",
            "(WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers \
             WHERE number < $2) SELECT number FROM numbers) AS numbers",
        ),
    };
    for (status, next, settled) in [
        ("pending", "$3 + number", "NULL"),
        // What has ended is far more.
        ("delivered", "NULL", "$3 + number"),
    ] {
        let deliveries = format!(
            "INSERT INTO webhook_deliveries (id, webhook_id, type, status, tries, next_attempt_at, attempts, \
             created_at, settled_at) SELECT {id}, $1, 'document.activated', '{status}', 0, {next}, '[]', $3, \
             {settled} FROM {numbers}"
        );
        let values = vec![owner.0.into(), count.into(), at.as_micros().into()];
        execute(db, &deliveries, values).await;
    }
}

#[on_each_database]
async fn pending_deliveries_are_counted_up_to_a_bound(db: &Database) {
    let level = async || delivery_level(db).await.unwrap();
    assert_eq!(level().await, DeliveryLevel::default());
    let (alice, bob) = (user(db, "alice").await, user(db, "bob").await);
    wait(db, alice, 3, NOW).await;
    wait(db, bob, 2, Timestamp::from_micros(7)).await;
    let expected = |pending, due| DeliveryLevel {
        pending,
        first_due_at: Some(Timestamp::from_micros(due)),
    };
    assert_eq!(level().await, expected(5, 8));
    // Nothing is delivered to whoever is disabled, so nothing of theirs is late.
    execute(
        db,
        "UPDATE users SET disabled = true WHERE name = 'bob'",
        vec![],
    )
    .await;
    assert_eq!(level().await, expected(5, NOW.as_micros() + 1));
    let carol = user(db, "carol").await;
    wait(db, carol, 20_000, NOW).await;
    assert_eq!(level().await, expected(10_000, NOW.as_micros() + 1));
}

#[on_each_database]
async fn pending_deliveries_are_found_by_their_index(db: &Database) {
    let alice = user(db, "alice").await;
    wait(db, alice, 40_000, NOW).await;
    if db.writer().get_database_backend() == DbBackend::Postgres {
        execute(db, "ANALYZE webhook_deliveries", vec![]).await;
    }
    let (explain, column) = match db.writer().get_database_backend() {
        DbBackend::Postgres => ("EXPLAIN", "QUERY PLAN"),
        _ => ("EXPLAIN QUERY PLAN", "detail"),
    };
    let sql = format!(
        "{explain} SELECT webhook_id, next_attempt_at FROM webhook_deliveries WHERE status = 'pending' \
         ORDER BY next_attempt_at LIMIT 10000"
    );
    let backend = db.writer().get_database_backend();
    let rows = db
        .writer()
        .query_all_raw(Statement::from_string(backend, sql));
    let rows = rows.await.unwrap();
    let lines = rows
        .iter()
        .map(|row| row.try_get::<String>("", column).unwrap());
    let plan = lines.collect::<Vec<_>>().join("\n");
    assert!(plan.contains("webhook_deliveries_pending"), "{plan}");
    assert!(!plan.contains("Sort") && !plan.contains("TEMP"), "{plan}");
}
