//! Recurring jobs in JSON.

use domain::{Retention, Timestamp};
use poem_openapi::Object;
use queue::Schedule;

use super::{Moment, QueueName};

/// A recurring job of the cleanup.
#[derive(Debug, Object)]
#[oai(rename = "ScheduledJob")]
pub struct ScheduledJobBody {
    /// What it does.
    pub kind: String,
    /// Its queue.
    pub queue: QueueName,
    /// Its period in seconds, by the settings of this process: those of workers count.
    pub every_seconds: u64,
    /// When its next period begins; a worker enqueues it within half a minute. Left out of a period
    /// are jobs without anything to do, and those that no setting asks for.
    pub next_at: Moment,
}

/// The recurring jobs. There is no next page.
#[derive(Debug, Object)]
#[oai(rename = "ScheduledJobPage")]
pub struct ScheduledJobPageBody {
    /// Every recurring job, the next one first.
    pub items: Vec<ScheduledJobBody>,
    /// Always `null`.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

impl ScheduledJobPageBody {
    /// The jobs that are due after `now`.
    pub fn after(now: Timestamp, retention: &Retention) -> Self {
        let mut schedules = Schedule::all(retention);
        schedules.sort_by_key(|schedule| schedule.next(now));
        let item = |schedule: Schedule| ScheduledJobBody {
            kind: schedule.kind.to_string(),
            queue: schedule.kind.queue().into(),
            every_seconds: schedule.every.as_secs(),
            next_at: Moment(schedule.next(now)),
        };
        Self {
            items: schedules.into_iter().map(item).collect(),
            next_cursor: None,
        }
    }
}
