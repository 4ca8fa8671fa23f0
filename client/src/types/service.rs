//! What happened in the service, as admins see it: the security log, and the last hour.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::Timestamp;

/// A line of the security log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditLogEntry {
    /// Its id.
    pub id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: String,
    /// Who did it: a user, `operator` or `service`.
    pub actor: Option<String>,
    /// To whom or what.
    pub subject: Option<String>,
    /// From which address.
    pub address: Option<String>,
    /// By which request.
    pub request_id: Option<String>,
    /// The rest, by its kind.
    pub detail: Value,
}

/// Which lines of the security log; all by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLogFilter {
    /// Those of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What this user did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// What was done to this user, document or job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Those after this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Timestamp>,
    /// Those before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Timestamp>,
}

/// What a process did in the last hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Activity {
    /// A minute after the other, the oldest first.
    pub minutes: Vec<ActivityMinute>,
}

/// What a process did in a minute, and what waited at its end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ActivityMinute {
    /// When it ended; of the last one, now.
    pub ended_at: Timestamp,
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
    /// The age of the oldest pending version.
    pub oldest_pending_seconds: f64,
}
