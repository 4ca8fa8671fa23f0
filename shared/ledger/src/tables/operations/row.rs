//! Decodes an operation as its owner sees it.

use std::str::FromStr;

use sea_orm::DerivePartialModel;
use serde::Deserialize;
use uuid::Uuid;

use super::entity::{Entity, Model};
use crate::DbError;
use domain::{
    Operation, OperationEnd, OperationFailure, OperationId, OperationState, OperationStatus,
    RunMode, Tally, Timestamp, UserId, read_json,
};

/// The columns that make an [`Operation`]: without the options, which may be large.
#[derive(Clone, Debug, DerivePartialModel)]
#[sea_orm(entity = "Entity")]
pub struct OperationRow {
    pub id: Uuid,
    owner_id: Uuid,
    action: String,
    status: String,
    dry_run: bool,
    total: i64,
    succeeded: i64,
    failed: i64,
    skipped: i64,
    error_code: Option<String>,
    error_detail: Option<String>,
    created_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
}

/// The state of an operation as an event keeps it, in the order of `Dialect::operation_shape`.
#[derive(Deserialize)]
struct EventOperation {
    action: String,
    status: String,
    dry_run: u8,
    total: i64,
    succeeded: i64,
    failed: i64,
    skipped: i64,
    error_code: Option<String>,
    error_detail: Option<String>,
    created_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
}

/// Reads an operation from the shape that an event keeps.
pub fn operation_of_event((id, owner): (Uuid, Uuid), shape: &str) -> Result<Operation, DbError> {
    let kept: Result<EventOperation, _> = read_json(shape.as_bytes());
    let kept = kept.map_err(|_| DbError::corrupt("events", "shape", id))?;
    let row = OperationRow {
        id,
        owner_id: owner,
        action: kept.action,
        status: kept.status,
        dry_run: kept.dry_run != 0,
        total: kept.total,
        succeeded: kept.succeeded,
        failed: kept.failed,
        skipped: kept.skipped,
        error_code: kept.error_code,
        error_detail: kept.error_detail,
        created_at: kept.created_at,
        started_at: kept.started_at,
        finished_at: kept.finished_at,
    };
    row.try_into()
}

impl From<&Model> for OperationRow {
    fn from(row: &Model) -> Self {
        Self {
            id: row.id,
            owner_id: row.owner_id,
            action: row.action.clone(),
            status: row.status.clone(),
            dry_run: row.dry_run,
            total: row.total,
            succeeded: row.succeeded,
            failed: row.failed,
            skipped: row.skipped,
            error_code: row.error_code.clone(),
            error_detail: row.error_detail.clone(),
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        }
    }
}

impl TryFrom<OperationRow> for Operation {
    type Error = DbError;

    fn try_from(row: OperationRow) -> Result<Self, DbError> {
        let state = row.state()?;
        Ok(Self {
            id: OperationId(row.id),
            owner: UserId(row.owner_id),
            action: row.word(Some(&row.action), "action")?,
            state,
            mode: if row.dry_run {
                RunMode::Dry
            } else {
                RunMode::Real
            },
            tally: Tally {
                total: row.count(row.total, "total")?,
                succeeded: row.count(row.succeeded, "succeeded")?,
                failed: row.count(row.failed, "failed")?,
                skipped: row.count(row.skipped, "skipped")?,
            },
            created_at: Timestamp::from_micros(row.created_at),
        })
    }
}

impl OperationRow {
    fn state(&self) -> Result<OperationState, DbError> {
        let end = match self.word(Some(&self.status), "status")? {
            OperationStatus::Pending => return Ok(OperationState::Pending),
            OperationStatus::Running => {
                let started_at = self.moment(self.started_at, "started_at")?;
                return Ok(OperationState::Running { started_at });
            }
            OperationStatus::Completed => OperationEnd::Completed,
            OperationStatus::Cancelled => OperationEnd::Cancelled,
            OperationStatus::Error => OperationEnd::Failed(OperationFailure {
                code: self.word(self.error_code.as_ref(), "error_code")?,
                detail: self
                    .error_detail
                    .clone()
                    .ok_or_else(|| self.corrupt("error_detail"))?,
            }),
        };
        Ok(OperationState::Ended {
            end,
            started_at: self.moment(self.started_at, "started_at")?,
            finished_at: self.moment(self.finished_at, "finished_at")?,
        })
    }

    fn word<T: FromStr>(&self, text: Option<&String>, column: &'static str) -> Result<T, DbError> {
        text.and_then(|text| text.parse().ok())
            .ok_or_else(|| self.corrupt(column))
    }

    fn moment(&self, micros: Option<i64>, column: &'static str) -> Result<Timestamp, DbError> {
        micros
            .map(Timestamp::from_micros)
            .ok_or_else(|| self.corrupt(column))
    }

    fn count(&self, count: i64, column: &'static str) -> Result<u32, DbError> {
        u32::try_from(count).map_err(|_| self.corrupt(column))
    }

    fn corrupt(&self, column: &'static str) -> DbError {
        DbError::corrupt("operations", column, self.id)
    }
}
