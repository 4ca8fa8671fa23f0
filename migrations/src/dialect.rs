//! One SQL text for both databases: types that differ are written in braces, and `{postgres}` or
//! `{sqlite}` marks a statement for only one of them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// Runs the statements of `sql`, which end with a semicolon at the end of a line.
pub async fn execute(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let backend = connection.get_database_backend();
    for statement in sql.split(";\n").map(str::trim) {
        if let Some(statement) = in_dialect(backend, statement) {
            connection.execute_unprepared(&statement).await?;
        }
    }
    Ok(())
}

/// Returns the value for the database of `connection`.
pub fn pick<T>(connection: &impl ConnectionTrait, postgres: T, sqlite: T) -> T {
    match connection.get_database_backend() {
        DbBackend::Postgres => postgres,
        _ => sqlite,
    }
}

/// Returns the statement for `backend`; `None` if it is for the other database.
fn in_dialect(backend: DbBackend, statement: &str) -> Option<String> {
    let other = match backend {
        DbBackend::Postgres => "{sqlite}",
        _ => "{postgres}",
    };
    if statement.is_empty() || statement.contains(other) {
        return None;
    }
    let words: [(&str, &str); 8] = match backend {
        DbBackend::Postgres => [
            ("{uuid}", "uuid"),
            ("{postgres}", ""),
            ("{sqlite}", ""),
            ("{json}", "jsonb"),
            ("{bytes}", "bytea"),
            // Names sort by code point, as they do in SQLite.
            ("{name}", "text COLLATE \"C\""),
            ("{bytewise}", "COLLATE \"C\""),
            (
                "{sequence}",
                "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
            ),
        ],
        _ => [
            ("{uuid}", "blob"),
            ("{postgres}", ""),
            ("{sqlite}", ""),
            ("{json}", "text"),
            ("{bytes}", "blob"),
            ("{name}", "text"),
            ("{bytewise}", ""),
            ("{sequence}", "integer PRIMARY KEY AUTOINCREMENT"),
        ],
    };
    let written = words
        .iter()
        .fold(statement.to_owned(), |statement, (word, written)| {
            statement.replace(word, written)
        });
    Some(written)
}
