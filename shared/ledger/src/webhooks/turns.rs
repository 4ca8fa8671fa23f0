//! Which webhooks have something to deliver. Each gets a job of its own at a time, so that a slow
//! endpoint is asked by one worker alone, and waits for nobody but itself.

use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::batch::{query, query_as};
use crate::tables::jobs::{NewJob, insert_jobs};
use crate::tables::webhooks::{NextJob, give_jobs};
use crate::{Database, DbError};
use domain::{JobId, Timestamp, UserId};
use queue::JobKind;

/// The most webhooks that one look finds.
const MOST: i64 = 200;

/// A webhook that has something to deliver.
#[derive(FromQueryResult)]
struct WebhookTurn {
    id: Uuid,
    owner_id: Uuid,
    job_id: Option<Uuid>,
}

/// Returns whether anybody has an enabled webhook.
pub async fn has_enabled_webhooks(db: &Database) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM webhooks WHERE status = 'enabled' LIMIT 1";
    Ok(!query(db.reader(), sql, []).await?.is_empty())
}

/// Enqueues a job for each enabled webhook that has something to deliver and no job. Returns the jobs,
/// and whether there may be more.
pub async fn enqueue_turns(db: &Database, now: Timestamp) -> Result<(Vec<JobId>, bool), DbError> {
    let turns = find_turns(db, now).await?;
    if turns.is_empty() {
        return Ok((Vec::new(), false));
    }
    let more = i64::try_from(turns.len()).is_ok_and(|found| found >= MOST);
    let jobs: Vec<_> = turns.iter().map(|turn| job(turn, now)).collect();
    let given: Vec<_> = turns
        .iter()
        .zip(&jobs)
        .map(|(turn, job)| NextJob {
            id: turn.id,
            was: turn.job_id,
            job_id: job.id,
        })
        .collect();
    let transaction = db.begin().await?;
    let given = give_jobs(&transaction, &given).await?;
    let jobs: Vec<_> = jobs
        .into_iter()
        .filter(|job| given.contains(&job.id.0))
        .collect();
    insert_jobs(&transaction, &jobs, now).await?;
    transaction.commit().await?;
    Ok((jobs.iter().map(|job| job.id).collect(), more))
}

fn job(turn: &WebhookTurn, now: Timestamp) -> NewJob {
    NewJob {
        subject: Some(turn.id),
        ..NewJob::without_subject(JobKind::DeliverWebhook, UserId(turn.owner_id), now)
    }
}

async fn find_turns(db: &Database, now: Timestamp) -> Result<Vec<WebhookTurn>, DbError> {
    // The newest event of an owner, from the end of the index of owners alone.
    let sql = "SELECT w.id, w.owner_id, w.job_id FROM webhooks w \
         JOIN users u ON u.id = w.owner_id AND NOT u.disabled AND u.removed_at IS NULL \
         WHERE w.status = 'enabled' AND (w.due_at <= $1 OR (NOT w.is_full AND w.position < \
         (SELECT e.sequence FROM events e WHERE e.type IS NOT NULL AND e.owner_id <= w.owner_id \
         AND e.owner_id >= w.owner_id ORDER BY e.owner_id DESC, e.sequence DESC LIMIT 1))) \
         AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = w.job_id AND j.state IN ('ready', 'running')) \
         ORDER BY w.due_at, w.id LIMIT $2";
    query_as(db.reader(), sql, [now.as_micros().into(), MOST.into()]).await
}
