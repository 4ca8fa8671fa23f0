//! What a process did in the last hour, in JSON.

use poem_openapi::Object;
use telemetry::Minute;

use super::Moment;

/// What a process did in a minute, and what waited at its end.
#[derive(Debug, Object)]
#[oai(rename = "ActivityMinute")]
pub struct ActivityMinuteBody {
    /// When it ended; of the last one, now.
    pub ended_at: Moment,
    /// Requests that were answered.
    pub requests: u64,
    /// Those of them that were answered 5xx.
    pub failed: u64,
    /// Accepted documents and versions.
    pub uploads: u64,
    /// Their bytes.
    pub upload_bytes: u64,
    /// Jobs that waited in all queues.
    pub waiting_jobs: u64,
    /// The age of the oldest pending version; 0 if there is none.
    pub oldest_pending_seconds: f64,
}

/// The last hour of a process.
#[derive(Debug, Object)]
#[oai(rename = "Activity")]
pub struct ActivityBody {
    /// Its minutes, the oldest first, at most 61; the last one goes on.
    pub minutes: Vec<ActivityMinuteBody>,
}

impl From<Vec<Minute>> for ActivityBody {
    fn from(minutes: Vec<Minute>) -> Self {
        Self {
            minutes: minutes.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Minute> for ActivityMinuteBody {
    fn from(minute: Minute) -> Self {
        Self {
            ended_at: Moment(minute.ended_at),
            requests: minute.requests,
            failed: minute.failed,
            uploads: minute.uploads,
            upload_bytes: minute.upload_bytes,
            waiting_jobs: minute.waiting_jobs,
            oldest_pending_seconds: minute.oldest_pending,
        }
    }
}
