//! Queues, jobs and workers.

use domain::JobId;
use ledger::{JobFilter, JobView, QueuePause, QueueState, WorkerStatus};
use poem_openapi::{Enum, Object};
use queue::{JobKind, JobState, Queue};
use telemetry::Circuit;
use uuid::Uuid;

use super::{Id, JobKindText, JobStatesText, Moment};
use crate::http::{Change, FromMembers, Members};
use crate::problem::Problem;

/// A queue of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "QueueName", rename_all = "lowercase")]
pub enum QueueName {
    /// Uploads on their way to active.
    Ingest,
    /// Chunks of bulk operations.
    Bulk,
    /// Cleanup and maintenance.
    Maintenance,
    /// Deliveries to webhooks.
    Deliver,
}

/// The state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "JobState", rename_all = "lowercase")]
pub enum JobStateBody {
    /// It waits, perhaps for its time to come.
    Ready,
    /// A worker holds it.
    Running,
    /// It did what it was for.
    Done,
    /// It failed on every attempt.
    Dead,
}

/// What is in a queue.
#[derive(Debug, Object)]
#[oai(rename = "Queue")]
pub struct QueueBody {
    /// Its name.
    pub queue: QueueName,
    /// Jobs that wait.
    pub depth: u64,
    /// Jobs that workers hold.
    pub running: u64,
    /// Jobs that failed on every attempt.
    pub dead: u64,
    /// Age in seconds of the oldest job that is ready; `null` if there is none.
    #[oai(nullable)]
    pub oldest_seconds: Option<f64>,
    /// Whether an admin has paused it: workers claim nothing of it.
    pub paused: bool,
    /// Since when it is paused; `null` if it isn't.
    #[oai(nullable)]
    pub paused_at: Option<Moment>,
    /// Parts of the service that are away, `database`, `staging` or `store`, so that jobs of this
    /// queue wait. Left out if there are none, and by a process that has no worker, which doesn't
    /// know.
    #[oai(skip_serializing_if_is_none)]
    pub waits_for: Option<Vec<String>>,
}

/// The queues. There is no next page.
#[derive(Debug, Object)]
#[oai(rename = "QueuePage")]
pub struct QueuePageBody {
    /// Every queue.
    pub items: Vec<QueueBody>,
    /// Always `null`.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

/// Whether a queue is paused.
#[derive(Debug, Object)]
#[oai(rename = "QueuePause")]
pub struct QueuePauseBody {
    /// The queue.
    pub queue: QueueName,
    /// Whether it is paused.
    pub paused: bool,
    /// Since when it is paused; `null` if it isn't.
    #[oai(nullable)]
    pub paused_at: Option<Moment>,
}

/// A job.
#[derive(Debug, Object)]
#[oai(rename = "Job")]
pub struct JobBody {
    /// Its id.
    pub id: Id<JobId>,
    /// Its queue.
    pub queue: QueueName,
    /// What it does.
    pub kind: String,
    /// Its status.
    pub state: JobStateBody,
    /// The id of what it does it to, if it is about one thing.
    #[oai(nullable)]
    pub subject: Option<Id<Uuid>>,
    /// The number of attempts.
    pub attempts: u32,
    /// Why the last attempt that failed did.
    #[oai(nullable)]
    pub last_error: Option<String>,
    /// When it was enqueued.
    pub created_at: Moment,
}

/// A page of jobs.
#[derive(Debug, Object)]
#[oai(rename = "JobPage")]
pub struct JobPageBody {
    /// The jobs.
    pub items: Vec<JobBody>,
    /// The `cursor` of the next page, if there is one.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

/// A worker that is alive.
#[derive(Debug, Object)]
#[oai(rename = "Worker")]
pub struct WorkerBody {
    /// Its name, another one for each start.
    pub name: String,
    /// The queues it works on.
    pub queues: Vec<QueueName>,
    /// The number of jobs it runs.
    pub running: u32,
    /// When its last heartbeat was.
    pub last_seen: Moment,
}

/// A page of workers.
#[derive(Debug, Object)]
#[oai(rename = "WorkerPage")]
pub struct WorkerPageBody {
    /// The workers.
    pub items: Vec<WorkerBody>,
    /// The `cursor` of the next page, if there is one.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

/// The dead jobs to retry; all by default.
#[derive(Debug, Object)]
#[oai(rename = "JobSelection")]
pub struct JobSelectionBody {
    /// Only this queue.
    pub queue: Option<QueueName>,
    /// Only this kind.
    pub kind: Option<JobKindText>,
    /// `dead`: no other job can be retried.
    pub state: Option<RetriedStateBody>,
}

/// The state in which a job can be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "RetriedState", rename_all = "lowercase")]
pub enum RetriedStateBody {
    /// It was given up.
    Dead,
}

/// The number of dead jobs that are retried.
#[derive(Debug, Object)]
#[oai(rename = "JobsRetried")]
pub struct JobsRetriedBody {
    /// Jobs that are ready now.
    pub retried: u64,
    /// Jobs that stay dead: their versions can't be processed again or don't fit into the quota.
    pub refused: u64,
    /// Whether more jobs match than one request retries: send it again.
    pub more: bool,
}

/// The waiting jobs to cancel.
#[derive(Debug, Object)]
#[oai(rename = "JobCancellation")]
pub struct JobCancellationBody {
    /// Their queue.
    pub queue: QueueName,
    /// Only this kind.
    pub kind: Option<JobKindText>,
}

/// The number of waiting jobs that are cancelled.
#[derive(Debug, Object)]
#[oai(rename = "JobsCancelled")]
pub struct JobsCancelledBody {
    /// Jobs that get no attempt any more.
    pub cancelled: u64,
    /// Whether more jobs match than one request cancels: send it again.
    pub more: bool,
}

/// The filter of waiting jobs to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelSelection(pub Queue, pub Option<JobKind>);

impl FromMembers for CancelSelection {
    type Schema = JobCancellationBody;

    fn take(members: &mut Members) -> Option<Self> {
        let queue = members.required("queue");
        let kind: Change<JobKind> = members.change("kind");
        if kind == Change::Clear {
            members.refuse::<()>("kind", "must not be null");
        }
        Some(Self(queue?, kind.value()))
    }
}

/// The filter of dead jobs to retry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrySelection(pub JobFilter);

impl FromMembers for RetrySelection {
    type Schema = JobSelectionBody;

    fn take(members: &mut Members) -> Option<Self> {
        let queue: Change<Queue> = members.change("queue");
        let kind: Change<JobKind> = members.change("kind");
        let state: Change<JobState> = members.change("state");
        for (member, cleared) in [
            ("queue", queue == Change::Clear),
            ("kind", kind == Change::Clear),
            ("state", state == Change::Clear),
        ] {
            if cleared {
                members.refuse::<()>(member, "must not be null");
            }
        }
        if matches!(state, Change::Set(state) if state != JobState::Dead) {
            members.refuse::<()>("state", "must be dead");
        }
        Some(Self(JobFilter {
            states: vec![JobState::Dead],
            queue: queue.value(),
            kind: kind.value(),
        }))
    }
}

/// Parses a comma list of states.
pub fn read_states(text: Option<&JobStatesText>) -> Result<Vec<JobState>, Problem> {
    let states = text.into_iter().flat_map(|text| text.0.split(','));
    states
        .map(str::parse)
        .collect::<Result<_, _>>()
        .map_err(|_| {
            Problem::invalid_field("state", "must be a list of ready, running, done, dead")
        })
}

impl From<Queue> for QueueName {
    fn from(queue: Queue) -> Self {
        match queue {
            Queue::Ingest => Self::Ingest,
            Queue::Bulk => Self::Bulk,
            Queue::Maintenance => Self::Maintenance,
            Queue::Deliver => Self::Deliver,
        }
    }
}

impl From<QueueName> for Queue {
    fn from(name: QueueName) -> Self {
        match name {
            QueueName::Ingest => Self::Ingest,
            QueueName::Bulk => Self::Bulk,
            QueueName::Maintenance => Self::Maintenance,
            QueueName::Deliver => Self::Deliver,
        }
    }
}

impl From<JobState> for JobStateBody {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Ready => Self::Ready,
            JobState::Running => Self::Running,
            JobState::Done => Self::Done,
            JobState::Dead => Self::Dead,
        }
    }
}

impl QueueBody {
    /// Converts a queue with the dependencies that are down.
    pub fn of(state: QueueState, away: &[Circuit]) -> Self {
        let mut kinds = JobKind::ALL.into_iter();
        let needs_storage = kinds.any(|kind| kind.queue() == state.queue && kind.needs_storage());
        let away = away
            .iter()
            .filter(|part| **part == Circuit::Database || needs_storage);
        let waits_for: Vec<_> = away.map(|part| part.as_str().to_owned()).collect();
        Self {
            waits_for: (!waits_for.is_empty()).then_some(waits_for),
            queue: state.queue.into(),
            depth: state.depth,
            running: state.running,
            dead: state.dead,
            oldest_seconds: state.oldest.map(|oldest| oldest.as_secs_f64()),
            paused: state.paused_at.is_some(),
            paused_at: state.paused_at.map(Moment),
        }
    }
}

impl From<QueuePause> for QueuePauseBody {
    fn from(pause: QueuePause) -> Self {
        Self {
            queue: pause.queue.into(),
            paused: pause.is_paused,
            paused_at: pause.since().map(Moment),
        }
    }
}

impl From<JobView> for JobBody {
    fn from(job: JobView) -> Self {
        Self {
            id: Id(job.id),
            queue: job.queue.into(),
            kind: job.kind,
            state: job.state.into(),
            subject: job.subject.map(Id),
            attempts: job.attempts,
            last_error: job.last_error,
            created_at: Moment(job.created_at),
        }
    }
}

impl From<WorkerStatus> for WorkerBody {
    fn from(status: WorkerStatus) -> Self {
        Self {
            name: status.name,
            queues: status.queues.into_iter().map(Into::into).collect(),
            running: status.running,
            last_seen: Moment(status.at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::read_object;

    #[test]
    fn nothing_said_selects_every_dead_job() {
        let all: RetrySelection = read_object(b"{}").unwrap();
        assert_eq!((all.0.queue, all.0.kind), (None, None));
        let some: RetrySelection =
            read_object(br#"{"queue":"ingest","kind":"process_version","state":"dead"}"#).unwrap();
        assert_eq!(some.0.queue, Some(Queue::Ingest));
        assert_eq!(some.0.kind, Some(JobKind::ProcessVersion));
    }

    #[test]
    fn every_bad_member_is_named() {
        let bad =
            read_object::<RetrySelection>(br#"{"queue":"x","kind":null,"state":"done","all":1}"#);
        let mut pointers = bad.unwrap_err().pointers_for_tests();
        pointers.sort();
        assert_eq!(pointers, ["/all", "/kind", "/queue", "/state"]);
    }

    #[test]
    fn states_are_a_comma_list() {
        assert_eq!(read_states(None).unwrap(), []);
        let text = |text: &str| JobStatesText(text.to_owned());
        let both = [JobState::Dead, JobState::Ready];
        assert_eq!(read_states(Some(&text("dead,ready"))).unwrap(), both);
        assert!(read_states(Some(&text("dead,"))).is_err());
    }
}
