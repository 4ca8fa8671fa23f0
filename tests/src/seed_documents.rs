//! Seeds long lists: active documents of one owner, written by one statement, for tests and
//! benchmarks of lists.

#![expect(
    clippy::unwrap_used,
    reason = "what these words say is so, or the test fails"
)]

use std::ops::Range;
use std::path::Path;

use domain::UserId;
use ledger::Database;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::ledger::NOW;

/// Inserts the documents numbered `from..to` of `owner`. Of each thousand, one is a picture, one is
/// public and two are archived; each has its number and one of 26 years as metadata. They were
/// accepted a second apart. Updates the statistics of the database.
pub async fn seed_documents(db: &Database, owner: UserId, from: u32, to: u32) {
    let backend = db.writer().get_database_backend();
    let (numbers, random, metadata) = match backend {
        DbBackend::Postgres => (
            "SELECT CAST(n AS bigint) AS n FROM generate_series(CAST($2 AS bigint), CAST($3 AS bigint) - 1) AS n",
            "gen_random_uuid()",
            "jsonb_build_object('number', n, 'year', 2000 + n % 26)",
        ),
        _ => (
            "WITH RECURSIVE counted (n) AS (SELECT $2 UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < $3) \
             SELECT n FROM counted",
            "randomblob(16)",
            "json_object('number', n, 'year', 2000 + n % 26)",
        ),
    };
    let start = NOW.as_micros();
    let name = "'report ' || CAST(n AS text) || ' of ' || CAST(n * 7919 % 99991 AS text) || '.pdf'";
    let sql = format!(
        "INSERT INTO documents (id, owner_id, name, name_folded, unique_name, is_public, metadata, status, \
         mime_type, type_mismatch, size_bytes, sha256, version, latest_version, storage_url, revision, \
         created_at, updated_at, archived_at) \
         SELECT {random}, $1, {name}, {name}, CASE WHEN n % 1000 = 7 THEN 'shelf-' || CAST(n AS text) END, \
         n % 1000 = 7, {metadata}, CASE WHEN n % 500 = 3 THEN 'archived' ELSE 'active' END, \
         CASE n % 1000 WHEN 11 THEN 'image/png' ELSE 'application/pdf' END, false, n * 7919 % 10000019, \
         'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 1, 1, 'file:///store/' || CAST(n AS text), 2, \
         {start} + n * 1000000, {start} + (n * 7919 % 1000003) * 1000000, \
         CASE WHEN n % 500 = 3 THEN {start} + n * 1000000 END FROM ({numbers}) AS counted"
    );
    let values = [owner.0.into(), i64::from(from).into(), i64::from(to).into()];
    let statement = Statement::from_sql_and_values(backend, sql, values);
    db.writer().execute_raw(statement).await.unwrap();
    if backend == DbBackend::Postgres {
        // Index-only scans need a vacuumed table.
        db.writer()
            .execute_unprepared("VACUUM ANALYZE documents")
            .await
            .unwrap();
    }
}

/// Writes empty objects numbered by `numbers` into the folder `store`, each the content of a
/// document in the SQLite database of an embedded service. Their digests are numbers too, which
/// only a deep audit would detect.
pub async fn seed_objects(db: &Database, owner: UserId, store: &Path, numbers: Range<u32>) {
    for folder in 0..=255 {
        std::fs::create_dir_all(store.join(format!("{folder:02x}"))).unwrap();
    }
    for number in numbers.clone() {
        let name = format!("{number:08x}-0000-7000-8000-{number:012x}");
        std::fs::File::create(store.join(&name[34..]).join(&name)).unwrap();
    }
    let id = "unhex(printf('%08x000070008000%012x', n, n))";
    let name = "printf('%08x-0000-7000-8000-%012x', n, n)";
    let digest = "printf('%064x', n)";
    let url = format!(
        "'file://{}/' || printf('%02x', n % 256) || '/' || {name}",
        store.display()
    );
    let counted = "WITH RECURSIVE counted (n) AS (SELECT $1 UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < $2)";
    let at = NOW.as_micros();
    let blobs = format!(
        "{counted} INSERT INTO blobs (id, sha256, size_bytes, storage_url, refs, created_at) \
         SELECT {id}, {digest}, 0, {url}, 1, {at} FROM counted"
    );
    let documents = format!(
        "{counted} INSERT INTO documents (id, owner_id, name, name_folded, is_public, metadata, status, mime_type, \
         type_mismatch, size_bytes, sha256, version, latest_version, storage_url, revision, created_at, updated_at) \
         SELECT {id}, $3, 'a', 'a', false, '{{}}', 'active', 'application/x-empty', false, 0, {digest}, 1, 1, {url}, 2, \
         {at} + n, {at} + n FROM counted"
    );
    let versions = format!(
        "{counted} INSERT INTO versions (id, document_id, owner_id, number, status, name, mime_type, type_mismatch, \
         size_bytes, sha256, blob_id, created_at, settled_at) \
         SELECT {id}, {id}, $3, 1, 'active', 'a', 'application/x-empty', false, 0, {digest}, {id}, {at} + n, {at} + n FROM counted"
    );
    let users =
        "UPDATE users SET used_documents = used_documents + $2 - $1 WHERE id = $3".to_owned();
    let values = [
        i64::from(numbers.start).into(),
        i64::from(numbers.end).into(),
        owner.0.into(),
    ];
    for sql in [blobs, documents, versions, users] {
        let values = values.iter().take(if sql.contains("$3") { 3 } else { 2 });
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values.cloned());
        db.writer().execute_raw(statement).await.unwrap();
    }
}
