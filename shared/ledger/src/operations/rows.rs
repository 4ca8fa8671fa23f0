//! Rows of `operations` and `operation_items` as the domain knows them.

use std::str::FromStr;

use sea_orm::QueryResult;
use uuid::Uuid;

use crate::DbError;
use domain::{
    DocumentId, ItemReason, Operation, OperationEnd, OperationFailure, OperationId, OperationItem,
    OperationState, OperationStatus, RunMode, Tally, Timestamp, UserId,
};

/// The columns that make an operation.
pub const OPERATION: &str = "operations.id, operations.owner_id, operations.action, operations.status, \
     operations.dry_run, operations.total, operations.succeeded, operations.failed, operations.skipped, \
     operations.error_code, operations.error_detail, operations.created_at, operations.started_at, \
     operations.finished_at";

/// The columns that make an item.
pub const ITEM: &str = "operation_items.operation_id, operation_items.position, operation_items.document_id, \
     operation_items.name, operation_items.result, operation_items.code, operation_items.detail";

/// The operation of a row with the columns of [`OPERATION`].
pub fn operation(row: &QueryResult) -> Result<Operation, DbError> {
    let id: Uuid = row.try_get("", "id")?;
    let dry_run: bool = row.try_get("", "dry_run")?;
    Ok(Operation {
        id: OperationId(id),
        owner: UserId(row.try_get("", "owner_id")?),
        action: word(row, id, "action")?,
        state: state(row, id)?,
        mode: if dry_run { RunMode::Dry } else { RunMode::Real },
        tally: Tally {
            total: count(row, id, "total")?,
            succeeded: count(row, id, "succeeded")?,
            failed: count(row, id, "failed")?,
            skipped: count(row, id, "skipped")?,
        },
        created_at: Timestamp::from_micros(row.try_get("", "created_at")?),
    })
}

fn state(row: &QueryResult, id: Uuid) -> Result<OperationState, DbError> {
    let moment = |column: &'static str| -> Result<Timestamp, DbError> {
        let moment: Option<i64> = row.try_get("", column)?;
        moment
            .map(Timestamp::from_micros)
            .ok_or_else(|| DbError::corrupt("operations", column, id))
    };
    let end = match word(row, id, "status")? {
        OperationStatus::Pending => return Ok(OperationState::Pending),
        OperationStatus::Running => {
            let started_at = moment("started_at")?;
            return Ok(OperationState::Running { started_at });
        }
        OperationStatus::Completed => OperationEnd::Completed,
        OperationStatus::Cancelled => OperationEnd::Cancelled,
        OperationStatus::Error => OperationEnd::Failed(OperationFailure {
            code: word(row, id, "error_code")?,
            detail: row.try_get("", "error_detail")?,
        }),
    };
    Ok(OperationState::Ended {
        end,
        started_at: moment("started_at")?,
        finished_at: moment("finished_at")?,
    })
}

fn word<T: FromStr>(row: &QueryResult, id: Uuid, column: &'static str) -> Result<T, DbError> {
    let text: Option<String> = row.try_get("", column)?;
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| DbError::corrupt("operations", column, id))
}

/// A column that counts items.
pub fn count(row: &QueryResult, id: Uuid, column: &'static str) -> Result<u32, DbError> {
    let count: i64 = row.try_get("", column)?;
    u32::try_from(count).map_err(|_| DbError::corrupt("operations", column, id))
}

/// The item of a row with the columns of [`ITEM`].
pub fn item(row: &QueryResult) -> Result<OperationItem, DbError> {
    let operation: Uuid = row.try_get("", "operation_id")?;
    let corrupt = |column| DbError::corrupt("operation_items", column, operation);
    let position: i64 = row.try_get("", "position")?;
    let document: Option<Uuid> = row.try_get("", "document_id")?;
    let result: String = row.try_get("", "result")?;
    let (code, detail): (Option<String>, Option<String>) =
        (row.try_get("", "code")?, row.try_get("", "detail")?);
    let reason = match (code, detail) {
        (Some(code), Some(detail)) => Some(ItemReason {
            code: code.parse().map_err(|_| corrupt("code"))?,
            detail,
        }),
        _ => None,
    };
    Ok(OperationItem {
        position: u32::try_from(position).map_err(|_| corrupt("position"))?,
        document: document.map(DocumentId),
        name: row.try_get("", "name")?,
        result: result.parse().map_err(|_| corrupt("result"))?,
        reason,
    })
}
