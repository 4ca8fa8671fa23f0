//! Compares the schema of the database with the one that this release knows. Used by readiness, and
//! by workers before they claim; changes nothing.

use std::collections::HashSet;
use std::sync::Arc;

use super::batch::query;
use super::connection::Connection;
use super::dialect::Dialect;
use super::error::{DbError, SchemaMismatch};

/// The migrations that a release knows, oldest first.
pub type KnownMigrations = Arc<[String]>;

/// Whether a release that knows `known` can work with the schema.
pub async fn check_schema(connection: &Connection, known: &[String]) -> Result<(), DbError> {
    let Some(expected) = known.last() else {
        return Ok(());
    };
    let applied = applied_migrations(connection).await?;
    if let Some(missing) = known.iter().find(|name| !applied.contains(*name)) {
        return Err(DbError::Schema(SchemaMismatch::Older {
            missing: missing.clone(),
            expected: expected.clone(),
            found: newest(&applied).unwrap_or_else(|| "nothing".to_owned()),
        }));
    }
    let known: HashSet<_> = known.iter().collect();
    let Some(unknown) = newest(applied.iter().filter(|name| !known.contains(name))) else {
        return Ok(());
    };
    // The statement is about the whole schema: what is unknown may be numbered below what is known.
    let newest = newest(&applied).unwrap_or_default();
    if works_with(connection, &newest, expected).await? {
        return Ok(());
    }
    Err(DbError::Schema(SchemaMismatch::Newer {
        unknown,
        expected: expected.clone(),
    }))
}

fn newest<'a>(names: impl IntoIterator<Item = &'a String>) -> Option<String> {
    names.into_iter().max().cloned()
}

/// The names in the table of applied migrations; empty if there is no such table.
async fn applied_migrations(connection: &Connection) -> Result<HashSet<String>, DbError> {
    let there = Dialect::of(connection).has_table("seaql_migrations");
    if query(connection, there, []).await?.is_empty() {
        return Ok(HashSet::new());
    }
    let rows = query(connection, "SELECT version FROM seaql_migrations", []).await?;
    rows.iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect()
}

/// Whether the release that migrated the schema to `newest` declared it compatible with releases
/// whose newest migration is `ours`.
async fn works_with(connection: &Connection, newest: &str, ours: &str) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM schema_compatibility WHERE newest = $1 AND works_from <= $2";
    let said = query(connection, sql, [newest.into(), ours.into()]).await?;
    Ok(!said.is_empty())
}
