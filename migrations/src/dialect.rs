//! One SQL text for both databases: the few types that differ are written in braces.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// Runs the statements of `sql`, which end with a semicolon at the end of a line.
pub async fn execute(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let sql = in_dialect(connection.get_database_backend(), sql);
    for statement in sql
        .split(";\n")
        .map(str::trim)
        .filter(|statement| !statement.is_empty())
    {
        connection.execute_unprepared(statement).await?;
    }
    Ok(())
}

fn in_dialect(backend: DbBackend, sql: &str) -> String {
    let types: [(&str, &str); 4] = match backend {
        DbBackend::Postgres => [
            ("{uuid}", "uuid"),
            ("{json}", "jsonb"),
            // Names sort by code point, as they do in SQLite.
            ("{name}", "text COLLATE \"C\""),
            (
                "{sequence}",
                "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
            ),
        ],
        _ => [
            ("{uuid}", "blob"),
            ("{json}", "text"),
            ("{name}", "text"),
            ("{sequence}", "integer PRIMARY KEY AUTOINCREMENT"),
        ],
    };
    types.iter().fold(sql.to_owned(), |sql, (word, written)| {
        sql.replace(word, written)
    })
}
