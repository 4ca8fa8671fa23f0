//! Versions without a job, and jobs without a version.

use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::batch::{parameter, query, query_as, query_column};
use crate::jobs::{NewJob, enqueue};
use crate::tables::jobs::end_without_subject;
use crate::{Database, DbError};
use domain::{JobId, Timestamp, UserId, VersionId};
use queue::JobKind;

/// True of a pending version `v` without a live job.
const IS_LOST: &str = "v.status = 'pending' AND v.staged_url IS NOT NULL AND NOT EXISTS \
     (SELECT 1 FROM jobs j WHERE j.subject_id = v.id AND j.state IN ('ready', 'running'))";

/// At most `limit` pending versions without a live job. A version and its job are written together
/// and end together, so normally there are none.
pub async fn pending_without_job(db: &Database, limit: u32) -> Result<Vec<VersionId>, DbError> {
    // Live jobs are read once, not once for each version.
    let sql = "SELECT v.id FROM versions v LEFT JOIN (SELECT DISTINCT subject_id FROM jobs \
         WHERE state IN ('ready', 'running') AND subject_id IS NOT NULL) AS live ON live.subject_id = v.id \
         WHERE v.status = 'pending' AND v.staged_url IS NOT NULL AND live.subject_id IS NULL ORDER BY v.id LIMIT $1";
    let found: Vec<Uuid> = query_column(db.reader(), sql, [i64::from(limit).into()]).await?;
    Ok(found.into_iter().map(VersionId).collect())
}

/// Enqueues a job for each of `versions` that is still pending and has none, and returns those.
/// Locks the rows before it checks, so that no version gets two.
pub async fn enqueue_lost_jobs(
    db: &Database,
    versions: &[VersionId],
    now: Timestamp,
) -> Result<Vec<VersionId>, DbError> {
    #[derive(FromQueryResult)]
    struct Lost {
        id: Uuid,
        owner_id: Uuid,
    }

    let wanted = db.dialect().ids();
    let transaction = db.begin().await?;
    if db.dialect().locks_rows() {
        let lock = format!(
            "SELECT v.id FROM versions v JOIN documents d ON d.id = v.document_id \
             WHERE v.id IN ({wanted}) ORDER BY d.id, v.id FOR NO KEY UPDATE OF d, v"
        );
        query(&transaction, lock, [parameter(versions)?]).await?;
    }
    let lost =
        format!("SELECT v.id, v.owner_id FROM versions v WHERE v.id IN ({wanted}) AND {IS_LOST}");
    let lost: Vec<Lost> = query_as(&transaction, lost, [parameter(versions)?]).await?;
    let job = |version: &Lost| NewJob {
        subject: Some(version.id),
        ..NewJob::without_subject(JobKind::ProcessVersion, UserId(version.owner_id), now)
    };
    let jobs: Vec<_> = lost.iter().map(job).collect();
    enqueue(&transaction, &jobs, now).await?;
    transaction.commit().await?;
    Ok(lost.iter().map(|version| VersionId(version.id)).collect())
}

/// At most `limit` live jobs, enqueued before `before`, whose version isn't pending or doesn't
/// exist.
pub async fn jobs_without_subject(
    db: &Database,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<JobId>, DbError> {
    let sql = "SELECT j.id FROM jobs j LEFT JOIN versions v ON v.id = j.subject_id AND v.status = 'pending' \
         WHERE j.kind = $1 AND j.state IN ('ready', 'running') AND j.created_at < $2 AND v.id IS NULL \
         ORDER BY j.id LIMIT $3";
    let values = [
        JobKind::ProcessVersion.as_str().into(),
        before.as_micros().into(),
        i64::from(limit).into(),
    ];
    let found: Vec<Uuid> = query_column(db.reader(), sql, values).await?;
    Ok(found.into_iter().map(JobId).collect())
}

/// Ends those of `jobs` that are waiting and still have nothing to do. Returns how many were ended.
pub async fn end_jobs_without_subject(
    db: &Database,
    jobs: &[JobId],
    now: Timestamp,
) -> Result<u64, DbError> {
    end_without_subject(db.writer(), jobs, now).await
}
