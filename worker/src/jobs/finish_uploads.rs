//! Finishes resumable uploads that have all their bytes: the process that received the last ones
//! died, or couldn't reach its storage or database. Ends those that were joining parts.
//!
//! - *does*: takes such an upload over, makes its bytes an object, and commits the transaction of
//!   the intake. An upload that the intake refuses is deleted, as at the end of its last request. One
//!   that joins parts is deleted too: its client was not told of it, and joins the parts again.
//! - *safe to repeat because* finishing an object twice is the same as once, and an upload is
//!   completed once, under its fence.
//! - *if it dies here*, the next run takes the upload over again.
//! - *on failure* of one upload the others are finished, and the next run tries again.

use std::time::Duration;

use domain::{Hasher, Timestamp};
use ledger::{
    Completed, FinishedUpload, Upload, UploadError, complete_upload, hold_upload, terminate_upload,
};
use queue::Queue;
use storage::StorageError;
use tracing::{info, warn};

use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// How long the request that received the last byte has for the rest. One that joins parts says every
/// few seconds that it still does.
const LEFT_ALONE: Duration = Duration::from_mins(1);

/// Why an upload could not be finished.
#[derive(Debug, thiserror::Error)]
enum FinishError {
    #[error(transparent)]
    Upload(#[from] UploadError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Runs the job.
pub async fn finish_uploads(tools: &Tools) -> Result<(), AttemptError> {
    let now = tools.clock.now();
    let before = now.minus(LEFT_ALONE);
    for upload in ledger::unfinished_uploads(&tools.db, before).await? {
        if let Err(error) = finish(tools, &upload, now).await {
            let error = &error as &dyn std::error::Error;
            warn!(error, upload.id = %upload.id, "failed to finish an upload; the next run tries again");
        }
    }
    Ok(())
}

async fn finish(tools: &Tools, upload: &Upload, now: Timestamp) -> Result<(), FinishError> {
    let whose = (upload.owner, upload.id);
    if upload.joins.is_some() {
        info!(upload.id = %upload.id, "a join was interrupted; its parts can be joined again");
        let fence = Some(upload.fence);
        return Ok(terminate_upload(&tools.db, whose, fence, now).await?);
    }
    let held = hold_upload(&tools.db, whose, 1, None, now).await?;
    let Some(growing) = held.growing.as_ref().filter(|_| held.has_all()) else {
        return Ok(());
    };
    let fence = Some(held.fence);
    if let Some(expected) = held.expected
        && Hasher::resume(&held.digest).is_ok_and(|hasher| hasher.finish() != expected)
    {
        info!(upload.id = %held.id, "an upload has another digest than declared; it is deleted");
        return Ok(terminate_upload(&tools.db, whose, fence, now).await?);
    }
    let writer = held.writer();
    let staged = match tools.places.finish(growing, held.fence, writer).await {
        Err(StorageError::NotFound { .. }) => {
            warn!(upload.id = %held.id, "the bytes of an upload are gone; it is deleted");
            return Ok(terminate_upload(&tools.db, whose, fence, now).await?);
        }
        staged => staged?,
    };
    let done = FinishedUpload {
        id: held.id,
        fence: held.fence,
        staged,
        content: None,
        traceparent: None,
        at: now,
    };
    match complete_upload(&tools.db, &tools.limits, &done).await {
        Ok(Completed::Became(_, job)) => {
            tools.notifier.jobs_enqueued(Queue::Ingest, vec![job]);
            Ok(())
        }
        Ok(Completed::Before(_) | Completed::Part) => Ok(()),
        Err(error) if error.is_final() => {
            info!(upload.id = %held.id, %error, "an upload was refused at its end; it is deleted");
            Ok(terminate_upload(&tools.db, whose, fence, now).await?)
        }
        Err(error) => Err(error.into()),
    }
}
