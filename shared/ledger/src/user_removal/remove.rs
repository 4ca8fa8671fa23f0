//! The removal of a user from start to end.

use tracing::warn;

use super::batches::delete_batch;
use super::mark::mark;
use super::rest::remove_rest;
use crate::retry_on_conflict::retry_on_conflict;
use crate::users::ChangeUserError;
use crate::{Commit, Database, DbError};
use domain::{JobId, Timestamp, UserId};

/// Deletes a user and all rows of theirs. Once marked, the user is hidden from everybody; what this
/// call doesn't finish, a job does a minute later. Returns the id of that job, or of the one that
/// removes the bytes; `None` if there is no such user.
///
/// `traces` gives the URLs at which the bytes of a staged upload may lie.
pub async fn remove_user(
    on: &impl Commit<()>,
    id: UserId,
    now: Timestamp,
    traces: impl Fn(&str) -> Vec<String> + Send + Sync,
) -> Result<Option<JobId>, ChangeUserError> {
    let Some(finishing) = retry_on_conflict(|| mark(on, id, now)).await? else {
        return Ok(None);
    };
    match finish_removal(on.database(), id, now, traces).await {
        Ok(removing) => Ok(Some(removing.unwrap_or(finishing))),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            warn!(error, user.id = %id, "a user is marked, and removed later by a job");
            Ok(Some(finishing))
        }
    }
}

/// Removes what is left of a marked user, batch by batch. Returns the id of the job that removes
/// the bytes; `None` if nothing was left.
pub async fn finish_removal(
    db: &Database,
    id: UserId,
    now: Timestamp,
    traces: impl Fn(&str) -> Vec<String> + Send + Sync,
) -> Result<Option<JobId>, DbError> {
    while retry_on_conflict(|| delete_batch(db, id, now, &traces)).await? {}
    retry_on_conflict(|| remove_rest(db, id, now, &traces)).await
}
