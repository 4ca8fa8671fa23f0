//! Storage places, and moves between them, as admins manage them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;

/// A place where bytes are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoragePlace {
    /// Its URL.
    pub url: String,
    /// What it is for: `store`, `staging`, `both`, `more`, or `unknown` if it isn't configured.
    pub role: String,
    /// The objects there.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The objects that are to be removed there; 0 from older services, which don't say it.
    #[serde(default)]
    pub discarded: u64,
}

/// A move to start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewStorageMove {
    /// The place to move objects from.
    pub from: String,
    /// The place to move them to.
    pub to: String,
    /// The most bytes a second; no limit by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_bytes: Option<u64>,
}

/// A move of objects from one place to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StorageMove {
    /// Its id.
    pub id: Uuid,
    /// The place that objects are moved from.
    pub from: String,
    /// The place that they are moved to.
    pub to: String,
    /// Its status.
    pub status: StorageMoveStatus,
    /// The objects to move.
    pub objects: u64,
    /// Those that were moved.
    pub moved: u64,
    /// The bytes to move.
    pub bytes: u64,
    /// Those that were moved.
    pub moved_bytes: u64,
    /// The objects that couldn't be moved.
    pub failed: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// The status of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StorageMoveStatus {
    /// It goes on.
    Running,
    /// It has ended.
    Completed,
    /// It was cancelled.
    Cancelled,
    /// It failed as a whole.
    Error,
}
