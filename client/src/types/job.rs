//! Queues, jobs and workers, as admins see them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;

/// A queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Queue {
    /// Its name.
    pub queue: String,
    /// Jobs that wait.
    pub depth: u64,
    /// Jobs that workers hold.
    pub running: u64,
    /// Jobs that failed on every attempt.
    pub dead: u64,
    /// The age in seconds of the oldest job that is ready.
    pub oldest_seconds: Option<f64>,
    /// Whether workers claim nothing of it.
    pub paused: bool,
    /// Since when it is paused.
    pub paused_at: Option<Timestamp>,
    /// Parts of the service that are away, so that its jobs wait; none if that isn't known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<Vec<String>>,
}

/// Whether a queue is paused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueuePause {
    /// Its name.
    pub queue: String,
    /// Whether workers claim nothing of it.
    pub paused: bool,
    /// Since when it is paused.
    pub paused_at: Option<Timestamp>,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// Its queue.
    pub queue: String,
    /// What it does.
    pub kind: String,
    /// Its state.
    pub state: JobState,
    /// What it is about.
    pub subject: Option<Uuid>,
    /// How often it was begun.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// The state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It waits.
    Ready,
    /// A worker holds it.
    Running,
    /// It has ended.
    Done,
    /// It failed on every attempt.
    Dead,
}

/// Which jobs are listed; all by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFilter {
    /// Those in these states, separated by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Those of this queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Those of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// How many dead jobs were retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JobsRetried {
    /// Jobs that are ready now.
    pub retried: u64,
    /// Jobs that stay dead.
    pub refused: u64,
    /// Whether more jobs match than one request retries.
    pub more: bool,
}

/// How many waiting jobs were cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JobsCancelled {
    /// Jobs that get no attempt any more.
    pub cancelled: u64,
    /// Whether more jobs match than one request cancels.
    pub more: bool,
}

/// A recurring job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScheduledJob {
    /// What it does.
    pub kind: String,
    /// Its queue.
    pub queue: String,
    /// Its period in seconds.
    pub every_seconds: u64,
    /// When its next period begins.
    pub next_at: Timestamp,
}

/// A worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Worker {
    /// Its name.
    pub name: String,
    /// The queues that it serves.
    pub queues: Vec<String>,
    /// How many jobs it runs.
    pub running: u32,
    /// When it was seen last.
    pub last_seen: Timestamp,
}
