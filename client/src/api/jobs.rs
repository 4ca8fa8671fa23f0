//! Queues, jobs and workers, for admins.

use uuid::Uuid;

use super::Items;
use crate::http::Call;
use crate::types::{
    Job, JobFilter, JobsCancelled, JobsRetried, Queue, QueuePause, ScheduledJob, Worker,
};
use crate::{Client, Error};

impl Client {
    /// The queues.
    pub async fn queues(&self) -> Result<Vec<Queue>, Error> {
        self.all(Call::get(&["v1", "admin", "queues"])).await
    }

    /// Pauses a queue: workers claim no more jobs of it.
    pub async fn pause_queue(&self, queue: &str) -> Result<QueuePause, Error> {
        self.ask(Call::post(&["v1", "admin", "queues", queue, "pause"]))
            .await
    }

    /// Resumes a queue.
    pub async fn resume_queue(&self, queue: &str) -> Result<QueuePause, Error> {
        self.ask(Call::post(&["v1", "admin", "queues", queue, "resume"]))
            .await
    }

    /// The jobs that match, the newest first.
    #[must_use]
    pub fn jobs(&self, filter: &JobFilter) -> Items<Job> {
        self.items(Call::get(&["v1", "admin", "jobs"]).queries(filter))
    }

    /// Retries a dead job.
    pub async fn retry_job(&self, id: Uuid) -> Result<Job, Error> {
        let path = ["v1", "admin", "jobs", &id.to_string(), "retry"];
        self.ask(Call::post(&path)).await
    }

    /// Retries the dead jobs that match, up to a number that the service sets.
    pub async fn retry_jobs(&self, filter: &JobFilter) -> Result<JobsRetried, Error> {
        let call = Call::post(&["v1", "admin", "jobs", "retry"]);
        self.ask(call.json(filter)).await
    }

    /// Cancels the waiting jobs that match, up to a number that the service sets. A queue is needed.
    pub async fn cancel_jobs(&self, filter: &JobFilter) -> Result<JobsCancelled, Error> {
        let call = Call::post(&["v1", "admin", "jobs", "cancel"]);
        self.ask(call.json(filter)).await
    }

    /// The recurring jobs, and when they are due.
    pub async fn schedule(&self) -> Result<Vec<ScheduledJob>, Error> {
        self.all(Call::get(&["v1", "admin", "schedule"])).await
    }

    /// The workers.
    #[must_use]
    pub fn workers(&self) -> Items<Worker> {
        self.items(Call::get(&["v1", "admin", "workers"]))
    }
}
