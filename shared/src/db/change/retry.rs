//! Trying a failed version again with the bytes that are still staged.

use sea_orm::ActiveValue::Set;

use super::edit::{finish, revised, update};
use super::hold::{Charge, charge, hold, note};
use super::{ChangeError, Target};
use crate::db::Commit;
use crate::db::batch::{execute, query};
use crate::db::jobs::{NewJob, enqueue};
use crate::domain::{ByteSize, Document, JobId, Lifecycle, Limits, Status, Timestamp, Transition};
use crate::queue::JobKind;

/// Puts the latest version, if it failed and its bytes are kept, back into the
/// pipeline with a new job, and reserves its bytes anew. Gives that job's id.
pub async fn retry_document(
    on: &impl Commit<Document>,
    target: &Target,
    limits: &Limits,
    now: Timestamp,
) -> Result<(Document, JobId), ChangeError> {
    let transaction = on.database().begin().await?;
    let before = hold(&transaction, target).await?;
    if matches!(before.lifecycle, Lifecycle::Archived { .. }) {
        before.lifecycle.status().after(Transition::Retry)?;
    }
    let sql = "SELECT id, size_bytes FROM versions \
         WHERE document_id = $1 AND number = $2 AND status = 'error' AND staged_url IS NOT NULL";
    let failed = query(
        &transaction,
        sql,
        [before.id.0.into(), i64::from(before.latest_version).into()],
    )
    .await?;
    let failed = failed.first().ok_or(ChangeError::NotRetryable)?;
    let (version, size): (uuid::Uuid, i64) =
        (failed.try_get_by_index(0)?, failed.try_get_by_index(1)?);

    let mut row = revised(&before, now);
    let mut reservation = Charge {
        reserved: ByteSize::new(size.unsigned_abs()),
        ..Charge::default()
    };
    if before.lifecycle.status() == Status::Error {
        row.status = Set(before
            .lifecycle
            .status()
            .after(Transition::Retry)?
            .to_string());
        row.error_code = Set(None);
        row.error_detail = Set(None);
        reservation.documents = 1;
    }
    charge(&transaction, before.owner, reservation, limits).await?;
    update(&transaction, row).await?;
    let again = "UPDATE versions SET status = 'pending', error_code = NULL, error_detail = NULL, settled_at = NULL \
         WHERE id = $1";
    execute(&transaction, again, [version.into()]).await?;
    note(
        &transaction,
        &before,
        "retried",
        Some(before.latest_version),
        now,
    )
    .await?;
    let job = NewJob {
        subject: Some(version),
        ..NewJob::without_subject(JobKind::ProcessVersion, before.owner, now)
    };
    enqueue(&transaction, std::slice::from_ref(&job), now).await?;
    Ok((finish(on, transaction, &before).await?, job.id))
}
