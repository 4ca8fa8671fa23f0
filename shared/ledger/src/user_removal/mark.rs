//! Marks a user as removed. From this commit on the user is disabled and hidden, and has no keys
//! or identities.

use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::jobs::{NewJob, enqueue};
use crate::tables::{api_keys, operations, users};
use crate::users::{ChangeUserError, other_admin};
use crate::{Commit, identities};
use domain::{JobId, Role, Timestamp, UserId};
use queue::JobKind;

/// How long the process that marks a user has for the rest before a job takes over.
const JOB_AFTER: Duration = Duration::from_mins(1);

/// Keeps a second job from finishing the removal of the same user.
pub(super) fn dedupe_key(id: UserId) -> String {
    format!("{}:{id}", JobKind::RemoveUser)
}

/// Marks a user. Returns the id of the job that finishes the removal if this process doesn't;
/// `None` if there is no such user.
pub(super) async fn mark(
    on: &impl Commit<()>,
    id: UserId,
    now: Timestamp,
) -> Result<Option<JobId>, ChangeUserError> {
    let transaction = on.database().begin().await?;
    let select = users::Entity::find_by_id(id.0).filter(users::Column::RemovedAt.is_null());
    let Some(row) = select.one(&transaction).await? else {
        return Ok(None);
    };
    let is_admin = row.role == Role::Admin.as_str() && !row.disabled;
    if is_admin && !other_admin(&transaction, id).await? {
        return Err(ChangeUserError::LastAdmin);
    }
    // Running chunks finish; the rest of their operations is skipped.
    operations::request_cancel_of_owner(&transaction, id).await?;
    let job = NewJob {
        subject: Some(id.0),
        dedupe_key: Some(dedupe_key(id)),
        run_at: now.plus(JOB_AFTER),
        ..NewJob::without_subject(JobKind::RemoveUser, id, now)
    };
    enqueue(&transaction, std::slice::from_ref(&job), now).await?;
    if !users::mark_removed(&transaction, id.0, now).await? {
        return Ok(None);
    }
    api_keys::delete_of_user(&transaction, id).await?;
    identities::mark_deleted(&transaction, id, now).await?;
    on.commit(transaction, &()).await?;
    Ok(Some(job.id))
}
