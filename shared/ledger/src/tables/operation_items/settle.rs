//! Settles the items of an import with the versions that they became.

use sea_orm::FromQueryResult;

use super::outcome::count;
use crate::batch::{execute, parameter, query};
use crate::{Connection, DatabaseTransaction, DbError};
use domain::{ItemCode, OperationId, Tally};

/// True of a pending item whose versions are settled, or gone.
const SETTLEABLE: &str = "operation_id = $1 AND result = 'pending' AND document_id IS NOT NULL AND NOT EXISTS \
     (SELECT 1 FROM versions v WHERE v.document_id = operation_items.document_id \
     AND v.status = 'pending' AND v.number <= operation_items.version)";

/// Which items are to be settled.
#[derive(Clone, Copy, Debug)]
pub enum Settleable<'a> {
    /// All whose versions are settled.
    All,
    /// Those of them at these positions.
    At(&'a [i64]),
}

/// The positions of items whose versions are settled, at most `limit`.
pub async fn settleable(
    connection: &Connection,
    operation: OperationId,
    limit: usize,
) -> Result<Vec<i64>, DbError> {
    #[derive(FromQueryResult)]
    struct Row {
        position: i64,
    }

    let sql = format!(
        "SELECT position FROM operation_items WHERE {SETTLEABLE} ORDER BY position LIMIT {limit}"
    );
    let found = query(connection, sql, [operation.0.into()]).await?;
    let positions = found.iter().map(|row| Row::from_query_result(row, ""));
    let positions = positions.map(|row| Ok(row?.position));
    positions.collect()
}

/// Settles items and counts them.
///
/// An item is settled once its version is, and those before it. It has succeeded if all versions
/// of it in the archive are active; otherwise its code is that of the last one that failed.
pub async fn settle(
    transaction: &DatabaseTransaction,
    operation: OperationId,
    which: Settleable<'_>,
) -> Result<Tally, DbError> {
    let dialect = transaction.dialect();
    let (among, positions) = match which {
        Settleable::All => ("position >= $2".to_owned(), 0_i64.into()),
        Settleable::At(positions) => (
            format!("position IN ({})", dialect.integers()),
            parameter(positions)?,
        ),
    };
    // Each question is about the versions of one item: a join would lead SQLite to go through
    // the items for each version.
    let of_item = "FROM versions v WHERE v.document_id = operation_items.document_id";
    let settleable = format!("WHERE {SETTLEABLE} AND {among}");
    let values = || [operation.0.into(), positions.clone()];
    let contents = dialect.array_length("operation_items.entry", "contents");
    let refused = format!(
        "{of_item} AND v.status = 'error' AND v.number <= operation_items.version \
         AND v.number > operation_items.version - {contents}"
    );
    let failed = format!(
        "UPDATE operation_items SET result = 'failed', \
         code = (SELECT v.error_code {refused} ORDER BY v.number DESC LIMIT 1), \
         detail = (SELECT CASE WHEN {contents} > 1 THEN 'Version ' || CAST(v.number AS text) || ': ' ELSE '' END \
         || COALESCE(v.error_detail, v.error_code) {refused} ORDER BY v.number DESC LIMIT 1) \
         {settleable} AND EXISTS (SELECT 1 {refused})"
    );
    let failed = execute(transaction, failed, values()).await?;
    let succeeded = format!(
        "UPDATE operation_items SET result = 'succeeded' {settleable} AND EXISTS \
         (SELECT 1 {of_item} AND v.number = operation_items.version AND v.status = 'active') \
         AND NOT EXISTS (SELECT 1 {refused})"
    );
    let succeeded = execute(transaction, succeeded, values()).await?;
    // Deleted by its owner meanwhile.
    let gone = format!(
        "UPDATE operation_items SET result = 'failed', code = $3, detail = $4 \
         WHERE operation_id = $1 AND result = 'pending' AND document_id IS NOT NULL AND {among} \
         AND NOT EXISTS (SELECT 1 {of_item} AND v.number = operation_items.version)"
    );
    let code = ItemCode::NotFound;
    let [operation, positions] = values();
    let values = [
        operation,
        positions,
        code.as_str().into(),
        code.detail().into(),
    ];
    let gone = execute(transaction, gone, values).await?;
    Ok(Tally {
        total: count(succeeded + failed + gone),
        succeeded: count(succeeded),
        failed: count(failed + gone),
        skipped: 0,
    })
}
