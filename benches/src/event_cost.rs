//! What the events of a document cost: bytes of rows and indexes, and the time of the statements that
//! write them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ledger::Database;
use sea_orm::{ConnectionTrait, Statement};
use tests::databases::TestDatabase;
use tests::ledger::user;
use tests::servers::Postgres;

use crate::backlog::{GROUP, Meter, group_of};
use crate::cost::{Cost, Groups};

/// What is measured.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// How many groups of 16 documents are taken in, claimed and activated
    #[arg(long, default_value_t = 625)]
    groups: usize,
}

/// Measures each database.
pub async fn run(options: &Options) {
    let groups = options.groups;
    let sqlite = TestDatabase::sqlite().await;
    sqlite_time(&sqlite.db, groups).await;
    sqlite_bytes(&sqlite.db, groups * GROUP).await;
    let server = Postgres::durable().await;
    let db = TestDatabase::on(&server).await;
    execute(&db, "CREATE EXTENSION pg_stat_statements").await;
    documents(&db, groups).await;
    for line in texts(&db, POSTGRES).await {
        println!("PostgreSQL, {} documents: {line}", groups * GROUP);
    }
}

/// Bytes of the table and its indexes, and the time of statements that insert into it beside all.
const POSTGRES: &str = "SELECT format('%s events a document, %s bytes (rows %s, indexes %s); the shape of a document has %s', \
     round(count(*)::numeric / documents, 2), (pg_total_relation_size('events') / documents), \
     (pg_table_size('events') / documents), (pg_indexes_size('events') / documents), \
     round(avg(pg_column_size(events.shape)) FILTER (WHERE events.shape IS NOT NULL), 0)) \
     FROM events, (SELECT count(*) AS documents FROM documents) AS counted GROUP BY documents \
     UNION ALL SELECT format('%s µs of statements that insert events a document, of %s µs of all (%s calls)', \
     round((sum(total_exec_time + total_plan_time) FILTER (WHERE query LIKE '%INSERT INTO events%') * 1000)::numeric / documents, 1), \
     round((sum(total_exec_time + total_plan_time) * 1000)::numeric / documents, 1), \
     sum(calls) FILTER (WHERE query LIKE '%INSERT INTO events%')) \
     FROM pg_stat_statements, (SELECT count(*) AS documents FROM documents) AS counted \
     WHERE query NOT LIKE '%pg_stat_statements%' GROUP BY documents";

async fn documents(db: &Database, groups: usize) {
    let alice = user(db, "alice").await;
    for group in 0..groups {
        group_of(db, alice, group, &mut Meter::without_buffers(db)).await;
    }
}

/// The time of statements that insert events beside all, and the processor time of this process, which
/// has nothing else to do.
async fn sqlite_time(db: &Database, groups: usize) {
    let mut observed = db.clone();
    let times = Arc::new(Mutex::new([Duration::ZERO; 2]));
    let counted = Arc::clone(&times);
    observed.observe(move |sql, took| {
        let mut times = counted.lock().unwrap_or_else(PoisonError::into_inner);
        times[1] += took;
        if sql.contains("INSERT INTO events") {
            times[0] += took;
        }
    });
    let this: &Groups = &[("this", std::process::id())];
    let before = Cost::of(this);
    documents(&observed, groups).await;
    let count = groups * GROUP;
    let processor = Cost::of(this).since(&before, count as f64 / 1e3);
    let times = *times.lock().unwrap_or_else(PoisonError::into_inner);
    let [events, all] = times.map(|time| time.as_secs_f64() * 1e6 / count as f64);
    println!(
        "SQLite, {count} documents: {events:.1} µs of statements that insert events a document, of {all:.1} µs of all but commits; {} µs of the processor",
        processor.text(this, 1)
    );
}

/// What the file shrinks by without the events: SQLite tells no size of a table.
async fn sqlite_bytes(db: &Database, documents: usize) {
    let size = async || {
        execute(db, "VACUUM").await;
        let sql =
            "SELECT CAST(page_count * page_size AS text) FROM pragma_page_count, pragma_page_size";
        let size = texts(db, sql).await.remove(0);
        size.parse::<f64>().expect("a size is a number")
    };
    let events = texts(db, "SELECT CAST(count(*) AS text) FROM events").await;
    let events: f64 = events[0].parse().expect("a count is a number");
    let whole = size().await;
    let indexes = "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'events' AND sql IS NOT NULL";
    for index in texts(db, indexes).await {
        execute(db, &format!("DROP INDEX {index}")).await;
    }
    let rows = size().await;
    execute(db, "DELETE FROM events").await;
    let rest = size().await;
    let each = |bytes: f64| bytes / documents as f64;
    println!(
        "SQLite, {documents} documents: {:.2} events a document, {:.0} bytes (rows {:.0}, indexes {:.0}) of {:.0}",
        each(events),
        each(whole - rest),
        each(rows - rest),
        each(whole - rows),
        each(whole),
    );
}

async fn execute(db: &Database, sql: &str) {
    let done = db.writer().execute_unprepared(sql).await;
    done.expect("the ledger takes it");
}

async fn texts(db: &Database, sql: &str) -> Vec<String> {
    let writer = db.writer();
    let statement = Statement::from_string(writer.get_database_backend(), sql);
    let rows = writer.query_all_raw(statement).await;
    let rows = rows.expect("the database answers");
    rows.iter()
        .map(|row| row.try_get_by_index(0).expect("the column is text"))
        .collect()
}
