//! Many rows in one statement whose text doesn't depend on their number: they
//! travel as one JSON parameter, so that prepared statements stay few.

use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, QueryResult, Statement, TryGetable, Value};
use serde::Serialize;

use super::DbError;

pub use super::dialect::{Columns, Kind};

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

/// Runs a statement and reads its rows by the names of their columns.
pub async fn query_as<T: FromQueryResult>(
    connection: &impl ConnectionTrait,
    sql: impl Into<String>,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<T>, DbError> {
    let rows = query(connection, sql, values).await?;
    rows.iter()
        .map(|row| Ok(T::from_query_result(row, "")?))
        .collect()
}

/// Runs a statement whose rows have one column.
pub async fn query_column<C>(
    connection: &impl ConnectionTrait,
    sql: impl Into<String>,
    values: impl IntoIterator<Item = Value>,
) -> Result<C, DbError>
where
    C: IntoIterator + FromIterator<<C as IntoIterator>::Item>,
    C::Item: TryGetable,
{
    let rows = query(connection, sql, values).await?;
    rows.iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect()
}

/// Runs a statement that gives no rows. Returns how many it changed.
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
