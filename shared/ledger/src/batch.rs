//! Many rows in one statement whose text doesn't depend on their number: they
//! travel as one JSON parameter, so that prepared statements stay few.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};
use serde::Serialize;

use super::DbError;

/// What a column holds.
#[derive(Clone, Copy)]
pub enum Kind {
    Uuid,
    Text,
    Integer,
    Boolean,
    Json,
}

/// The columns of rows that travel together: names as in the JSON objects.
pub type Columns = [(&'static str, Kind)];

/// A FROM item called `x` that holds the rows of parameter `$1`.
pub fn rows(backend: DbBackend, columns: &Columns) -> String {
    let written: Vec<_> = columns
        .iter()
        .map(|(name, kind)| column(backend, name, *kind))
        .collect();
    let written = written.join(", ");
    match backend {
        DbBackend::Postgres => format!("json_to_recordset($1::json) AS x({written})"),
        // The limit, which is none, has SQLite read the parameter once: else it may go through
        // it anew for every row that it is joined with.
        _ => format!("(SELECT {written} FROM json_each($1) LIMIT -1) AS x"),
    }
}

fn column(backend: DbBackend, name: &str, kind: Kind) -> String {
    match (backend, kind) {
        (DbBackend::Postgres, kind) => {
            let kind = match kind {
                Kind::Uuid => "uuid",
                Kind::Text => "text",
                Kind::Integer => "bigint",
                Kind::Boolean => "boolean",
                Kind::Json => "jsonb",
            };
            format!("{name} {kind}")
        }
        (_, Kind::Uuid) => format!("unhex(value ->> '{name}', '-') AS {name}"),
        (_, Kind::Json) => format!("value -> '{name}' AS {name}"),
        (_, Kind::Text | Kind::Integer | Kind::Boolean) => format!("value ->> '{name}' AS {name}"),
    }
}

/// The rows as the value of `$1`.
pub fn parameter<T: Serialize>(rows: &[T]) -> Result<Value, DbError> {
    let text = serde_json::to_string(rows).map_err(|error| DbErr::Json(error.to_string()))?;
    Ok(text.into())
}

/// Runs a statement that gives rows.
pub async fn query(
    connection: &impl ConnectionTrait,
    sql: impl Into<String>,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<QueryResult>, DbError> {
    let backend = connection.get_database_backend();
    Ok(connection
        .query_all_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?)
}

/// Runs a statement that gives none, and says how many rows it changed.
pub async fn execute(
    connection: &impl ConnectionTrait,
    sql: impl Into<String>,
    values: impl IntoIterator<Item = Value>,
) -> Result<u64, DbError> {
    let backend = connection.get_database_backend();
    Ok(connection
        .execute_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?
        .rows_affected())
}
