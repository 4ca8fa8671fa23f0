//! Takes back that an operation could not go on, when its job is tried again.

use crate::DatabaseTransaction;
use crate::DbError;
use crate::batch::execute;
use domain::{ItemCode, OperationId};

/// Lets an operation that could not go on do so: what was said of the rest is taken back.
pub(super) async fn revive(
    transaction: &DatabaseTransaction,
    id: OperationId,
) -> Result<(), DbError> {
    let mut told = [0_i64; 2];
    for (result, told) in ["failed", "skipped"].into_iter().zip(&mut told) {
        let sql = format!(
            "UPDATE operation_items SET result = 'pending', code = NULL, detail = NULL \
             WHERE operation_id = $1 AND result = '{result}' AND code = $2"
        );
        let values = [id.0.into(), ItemCode::Interrupted.as_str().into()];
        *told = i64::try_from(execute(transaction, sql, values).await?).unwrap_or(i64::MAX);
    }
    let [failed, skipped] = told;
    let sql = "UPDATE operations SET status = 'running', finished_at = NULL, error_code = NULL, \
         error_detail = NULL, failed = failed - $2, skipped = skipped - $3 WHERE id = $1";
    let values = [id.0.into(), failed.into(), skipped.into()];
    execute(transaction, sql, values).await?;
    Ok(())
}
