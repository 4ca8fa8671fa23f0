//! Queues, their pauses and their recurring jobs, for admins.

use domain::{AuditEvent, AuditKind};
use ledger::{QueuePause, pause_queue, queue_states, resume_queue};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use serde_json::json;

use super::users::AdminListProblems;
use crate::auth::{Admin, RequestOrigin};
use crate::dto::{QueueBody, QueueName, QueuePageBody, QueuePauseBody, ScheduledJobPageBody};
use crate::idempotency::IdempotentRequest;
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::Problem;
use crate::service::Service;

problem_sets! {
    /// Pausing or resuming a queue.
    PauseQueueProblems { Unauthorized, Forbidden, NotFound, Invalid }
}

#[derive(ApiResponse)]
enum Changed {
    /// Whether the queue is paused now.
    #[oai(status = 200)]
    Pause(Json<QueuePauseBody>),
}

/// The routes of queues.
#[derive(Clone, Debug)]
pub struct QueueRoutes(pub Service);

#[OpenApi(prefix_path = "/v1/admin", tag = "Group::Administration")]
impl QueueRoutes {
    /// List queues with their depth and age
    #[oai(path = "/queues", method = "get", operation_id = "list_queues")]
    async fn list(
        &self,
        _admin: Admin,
    ) -> Result<Json<QueuePageBody>, Documented<AdminListProblems>> {
        let states = queue_states(&self.0.db, self.0.clock.now()).await;
        let states = states.map_err(Problem::from)?.into_iter();
        let away = self.0.meters.open_circuits();
        Ok(Json(QueuePageBody {
            items: states.map(|state| QueueBody::of(state, &away)).collect(),
            next_cursor: None,
        }))
    }

    /// List recurring jobs with their next time
    #[oai(path = "/schedule", method = "get", operation_id = "list_schedule")]
    #[expect(clippy::unused_async, reason = "the library awaits every handler")]
    async fn schedule(
        &self,
        _admin: Admin,
    ) -> Result<Json<ScheduledJobPageBody>, Documented<AdminListProblems>> {
        let Service {
            clock, retention, ..
        } = &self.0;
        let page = ScheduledJobPageBody::after(clock.now(), retention);
        Ok(Json(page))
    }

    /// Pause a queue
    ///
    /// Within a second no worker claims jobs of it any more. Jobs that run end as usual, and new ones
    /// wait: documents that are uploaded stay `pending`. Pausing a paused queue changes nothing.
    #[oai(
        path = "/queues/:queue/pause",
        method = "post",
        operation_id = "pause_queue"
    )]
    async fn pause(
        &self,
        _admin: Admin,
        origin: RequestOrigin,
        queue: Path<QueueName>,
        idempotent: IdempotentRequest,
    ) -> Result<Changed, Documented<PauseQueueProblems>> {
        let Service { db, clock, .. } = &self.0;
        let on = origin.log(idempotent.on(db, Changed::from), event);
        let paused = pause_queue(&on, queue.0.into(), clock.now()).await;
        Ok(paused.map_err(Problem::from)?.into())
    }

    /// Resume a queue
    ///
    /// Within a second workers claim jobs of it again. Resuming a queue that isn't paused changes
    /// nothing.
    #[oai(
        path = "/queues/:queue/resume",
        method = "post",
        operation_id = "resume_queue"
    )]
    async fn resume(
        &self,
        _admin: Admin,
        origin: RequestOrigin,
        queue: Path<QueueName>,
        idempotent: IdempotentRequest,
    ) -> Result<Changed, Documented<PauseQueueProblems>> {
        let Service { db, clock, .. } = &self.0;
        let on = origin.log(idempotent.on(db, Changed::from), event);
        let resumed = resume_queue(&on, queue.0.into(), clock.now()).await;
        Ok(resumed.map_err(Problem::from)?.into())
    }
}

impl From<QueuePause> for Changed {
    fn from(pause: QueuePause) -> Self {
        Self::Pause(Json(pause.into()))
    }
}

fn event(pause: &QueuePause) -> Vec<AuditEvent> {
    let kind = if pause.is_paused {
        AuditKind::QueuePaused
    } else {
        AuditKind::QueueResumed
    };
    vec![AuditEvent::new(kind, pause.queue, json!({}))]
}
