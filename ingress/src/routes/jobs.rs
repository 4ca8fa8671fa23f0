//! Jobs and workers, for admins.

use domain::{AuditEvent, JobId};
use ledger::{
    JobFilter, JobPage, JobRetry, JobView, WorkerPage, cancel_jobs, dead_jobs, list_jobs,
    list_workers, retry_job, retry_jobs,
};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use queue::JobKind;

use super::users::AdminListProblems;
use crate::auth::{Admin, RequestOrigin};
use crate::dto::{
    Binding, CancelSelection, CursorText, Id, JobBody, JobKindText, JobPageBody, JobStatesText,
    JobsCancelledBody, JobsRetriedBody, Limit, QueueName, RetrySelection, WorkerPageBody, cursor,
    cut, position, read_states,
};
use crate::http::{JsonBody, Optional};
use crate::idempotency::IdempotentRequest;
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::service::Service;
use crate::waiting::JobNotifier;

problem_sets! {
    /// Retrying a job.
    RetryJobProblems {
        Unauthorized, Forbidden, QuotaExceeded, NotFound, IllegalTransition, NotRetryable, Invalid,
    }
    /// Retrying or cancelling many jobs.
    RetryJobsProblems {
        BadJson, UploadIncomplete, Unauthorized, Forbidden, RequestTimeout, TooLarge,
        UnsupportedMediaType, Invalid,
    }
}

/// Jobs retried in one transaction.
const BATCH: u32 = 500;
/// The most transactions of one request, so that it ends before its client times out.
const BATCHES: usize = 20;

#[derive(ApiResponse)]
enum Retried {
    /// The job is ready, with a fresh attempt count.
    #[oai(status = 202)]
    Job(Json<JobBody>),
}

#[derive(ApiResponse)]
enum ManyRetried {
    /// The jobs are ready, with a fresh attempt count.
    #[oai(status = 202)]
    Jobs(Json<JobsRetriedBody>),
}

#[derive(ApiResponse)]
enum ManyCancelled {
    /// The jobs get no attempt any more.
    #[oai(status = 202)]
    Jobs(Json<JobsCancelledBody>),
}

/// The routes of jobs and workers.
#[derive(Clone, Debug)]
pub struct JobRoutes {
    /// The service that all handlers share.
    pub service: Service,
    /// Notifies workers of jobs.
    pub notifier: JobNotifier,
}

#[OpenApi(prefix_path = "/v1/admin", tag = "Group::Administration")]
impl JobRoutes {
    /// List jobs, newest first
    #[oai(path = "/jobs", method = "get", operation_id = "list_jobs")]
    async fn jobs(
        &self,
        admin: Admin,
        /// States, as a comma list: `ready`, `running`, `done`, `dead`. All by default.
        state: Query<Option<JobStatesText>>,
        /// Only this queue.
        queue: Query<Option<QueueName>>,
        /// Only this kind, such as `process_version`.
        kind: Query<Option<JobKindText>>,
        /// Jobs per page, 50 by default.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u32>>,
        /// The `next_cursor` of the previous page.
        cursor: Query<Option<CursorText>>,
    ) -> Result<Json<JobPageBody>, Documented<AdminListProblems>> {
        let limit = Limit::read(limit.0)?;
        let filter = JobFilter {
            states: read_states(state.0.as_ref())?,
            queue: queue.0.map(Into::into),
            kind: kind.0.as_ref().map(read_kind).transpose()?,
        };
        let question = format!("{filter:?}");
        let binding = Binding::new(admin.0.user, &[&"jobs", &question]);
        let page = JobPage {
            before: position(binding, cursor.0.as_ref(), |text| text.parse().ok())?,
            limit: limit.and_one(),
        };
        let found = list_jobs(&self.service.db, &filter, page).await;
        let (jobs, more) = cut(found.map_err(Problem::from)?, limit);
        let last = jobs.last().filter(|_| more);
        let next_cursor = last.map(|job| self::cursor(binding, &job.id));
        Ok(Json(JobPageBody {
            items: jobs.into_iter().map(Into::into).collect(),
            next_cursor,
        }))
    }

    /// Retry a dead job
    ///
    /// A version that failed with it goes back to `pending`, and its quota is reserved again.
    #[oai(path = "/jobs/:id/retry", method = "post", operation_id = "retry_job")]
    async fn retry(
        &self,
        _admin: Admin,
        origin: RequestOrigin,
        id: Path<Id<JobId>>,
        idempotent: IdempotentRequest,
    ) -> Result<Retried, Documented<RetryJobProblems>> {
        let Service {
            db, limits, clock, ..
        } = &self.service;
        let on = origin.log(idempotent.on(db, Retried::from), |job: &JobView| {
            retry_events(&[job.id])
        });
        let retried = retry_job(&on, id.0.0, limits, clock.now()).await;
        let job = retried.map_err(Problem::from)?.map_err(refused)?;
        self.notifier.notify(job.queue, job.id);
        Ok(job.into())
    }

    /// Retry dead jobs
    ///
    /// All of them, or those that match the filter; at most 10,000 per request.
    #[oai(path = "/jobs/retry", method = "post", operation_id = "retry_jobs")]
    async fn retry_many(
        &self,
        _admin: Admin,
        origin: RequestOrigin,
        body: JsonBody<RetrySelection, Optional>,
    ) -> Result<ManyRetried, Documented<RetryJobsProblems>> {
        let Service {
            db, limits, clock, ..
        } = &self.service;
        let RetrySelection(filter) = body.0;
        let mut retried = JobsRetriedBody {
            retried: 0,
            refused: 0,
            more: true,
        };
        let mut page = JobPage {
            before: None,
            limit: BATCH,
        };
        for _ in 0..BATCHES {
            let jobs = dead_jobs(db, &filter, page).await.map_err(Problem::from)?;
            let on = origin.log(db.clone(), |answers: &Vec<JobRetry>| {
                retry_events(&ready(&jobs, answers))
            });
            let answers = retry_jobs(&on, &jobs, limits, clock.now()).await;
            for (job, answer) in jobs.iter().zip(answers.map_err(Problem::from)?) {
                if let JobRetry::Ready(queue) = answer {
                    self.notifier.notify(queue, *job);
                    retried.retried += 1;
                } else {
                    retried.refused += 1;
                }
            }
            page.before = jobs.last().copied();
            if jobs.len() < BATCH as usize {
                retried.more = false;
                break;
            }
        }
        Ok(ManyRetried::Jobs(Json(retried)))
    }

    /// Cancel waiting jobs
    ///
    /// Those of a queue, or of one kind of them; at most 10,000 per request. The worker that claims them
    /// next gives them up: versions fail with `internal`, and may be retried; operations end in `error`.
    #[oai(path = "/jobs/cancel", method = "post", operation_id = "cancel_jobs")]
    async fn cancel_many(
        &self,
        _admin: Admin,
        origin: RequestOrigin,
        body: JsonBody<CancelSelection>,
    ) -> Result<ManyCancelled, Documented<RetryJobsProblems>> {
        let Service { db, clock, .. } = &self.service;
        let CancelSelection(queue, kind) = body.0;
        let mut answer = JobsCancelledBody {
            cancelled: 0,
            more: true,
        };
        for _ in 0..BATCHES {
            let on = origin.log(db.clone(), |jobs: &Vec<JobId>| {
                AuditEvent::jobs_cancelled(jobs).into_iter().collect()
            });
            let jobs = cancel_jobs(&on, (queue, kind), BATCH, clock.now()).await;
            let jobs = jobs.map_err(Problem::from)?;
            answer.cancelled += jobs.len() as u64;
            if jobs.len() < BATCH as usize {
                answer.more = false;
                break;
            }
        }
        Ok(ManyCancelled::Jobs(Json(answer)))
    }

    /// List live workers
    #[oai(path = "/workers", method = "get", operation_id = "list_workers")]
    async fn workers(
        &self,
        admin: Admin,
        /// Workers per page, 50 by default.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u32>>,
        /// The `next_cursor` of the previous page.
        cursor: Query<Option<CursorText>>,
    ) -> Result<Json<WorkerPageBody>, Documented<AdminListProblems>> {
        let limit = Limit::read(limit.0)?;
        let binding = Binding::new(admin.0.user, &[&"workers"]);
        let after = position(binding, cursor.0.as_ref(), |text| Some(text.to_owned()))?;
        let page = WorkerPage {
            now: self.service.clock.now(),
            after: after.as_deref(),
            limit: limit.and_one(),
        };
        let found = list_workers(&self.service.db, page).await;
        let (workers, more) = cut(found.map_err(Problem::from)?, limit);
        let last = workers.last().filter(|_| more);
        let next_cursor = last.map(|worker| self::cursor(binding, &worker.name));
        Ok(Json(WorkerPageBody {
            items: workers.into_iter().map(Into::into).collect(),
            next_cursor,
        }))
    }
}

impl From<JobView> for Retried {
    fn from(job: JobView) -> Self {
        Self::Job(Json(job.into()))
    }
}

/// Returns the retried ones of `jobs`.
fn ready(jobs: &[JobId], answers: &[JobRetry]) -> Vec<JobId> {
    let answered = jobs.iter().zip(answers);
    let ready = answered.filter(|(_, answer)| matches!(answer, JobRetry::Ready(_)));
    ready.map(|(job, _)| *job).collect()
}

/// Returns what the security log records when jobs are retried.
fn retry_events(jobs: &[JobId]) -> Vec<AuditEvent> {
    AuditEvent::jobs_retried(jobs).into_iter().collect()
}

fn refused(refusal: JobRetry) -> Problem {
    match refusal {
        JobRetry::NotDead(state) => {
            let detail = format!("A job that is {state} can't be retried.");
            Problem::from(Code::IllegalTransition).with_detail(detail)
        }
        JobRetry::NotRetryable => Code::NotRetryable.into(),
        JobRetry::QuotaExceeded => Code::QuotaExceeded.into(),
        // A ready job was not refused; it has ended meanwhile.
        JobRetry::NotFound | JobRetry::Ready(_) => Code::NotFound.into(),
    }
}

fn read_kind(text: &JobKindText) -> Result<JobKind, Problem> {
    let kind = text.0.parse();
    kind.map_err(|_| Problem::invalid_field("kind", "is not a kind of job"))
}
