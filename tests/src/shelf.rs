//! Shelves of any length: active documents of one owner, written by one statement, for those who
//! ask how lists behave when there are many.

#![expect(
    clippy::unwrap_used,
    reason = "what these words say is so, or the test fails"
)]

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use shared::db::Database;
use shared::domain::UserId;

use crate::ledger::NOW;

/// Puts the documents numbered `from..to` on the shelf of `owner`. Of each thousand, one is a
/// picture, one is public and two are archived; each knows its number and one of 26 years; they
/// were accepted a second after each other. The statistics of the database are brought up to date.
pub async fn fill(db: &Database, owner: UserId, from: u32, to: u32) {
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
        // The index-only reads of a table that rests.
        db.writer()
            .execute_unprepared("VACUUM ANALYZE documents")
            .await
            .unwrap();
    }
}
