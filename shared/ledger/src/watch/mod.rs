//! Jobs, queues and workers as operators see them, pauses of queues, and retries of dead jobs.

mod cancel;
mod due;
mod jobs;
mod pauses;
mod queues;
mod retry;
mod waiting;
mod workers;

pub use crate::tables::jobs::JobView;
pub use cancel::{CANCELLED, cancel_jobs};
pub use due::queues_with_due_jobs;
pub use jobs::{JobFilter, JobPage, dead_jobs, find_job, list_jobs};
pub use pauses::{QueuePause, pause_queue, queue_pause, queue_pauses, resume_queue};
pub use queues::{QueueState, oldest_pending, oldest_waiting, queue_states};
pub use retry::{JobRetry, retry_job, retry_jobs};
pub use waiting::{OwnerHead, OwnerPage, owner_heads, owners_served};
pub use workers::{
    ALIVE_FOR, WorkerPage, WorkerStatus, forget_worker, list_workers, record_heartbeat,
};
