//! Decoding jobs for operators.

use uuid::Uuid;

use super::Model;
use crate::DbError;
use domain::{JobId, Timestamp};
use queue::{JobState, Queue};

/// A job as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    /// Its id.
    pub id: JobId,
    /// Its queue.
    pub queue: Queue,
    /// Its kind, which may be known only to a newer release.
    pub kind: String,
    /// Its state.
    pub state: JobState,
    /// Its subject.
    pub subject: Option<Uuid>,
    /// The number of attempts.
    pub attempts: u32,
    /// The error of the last failed attempt.
    pub last_error: Option<String>,
    /// When it was enqueued.
    pub created_at: Timestamp,
}

impl TryFrom<Model> for JobView {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
        let corrupt = |column| DbError::corrupt("jobs", column, row.id);
        Ok(Self {
            id: JobId(row.id),
            queue: row.queue.parse().map_err(|_| corrupt("queue"))?,
            state: row.state.parse().map_err(|_| corrupt("state"))?,
            attempts: u32::try_from(row.attempts).map_err(|_| corrupt("attempts"))?,
            kind: row.kind,
            subject: row.subject_id,
            last_error: row.last_error,
            created_at: Timestamp::from_micros(row.created_at),
        })
    }
}
