//! Creates imports. Their archives are staged; a job reads them.

use serde_json::json;
use url::Url;

use crate::jobs::{NewJob, enqueue};
use crate::operations::create::CreateOperationError;
use crate::operations::limits::{check_open_limit, evict_for_new};
use crate::operations::tell::tell;
use crate::tables::operations;
use crate::tables::users::{self, Charge};
use crate::{Commit, DbError};
use domain::{
    Action, ByteSize, EventKind, JobId, Operation, OperationId, OperationLimits, OperationState,
    RunMode, Tally, Timestamp, UserId,
};
use queue::JobKind;

/// What to do with an entry whose name another document of the owner has, unless that is archived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConflictPolicy {
    /// It is skipped.
    Skip,
    /// It gets a number: `report (2).pdf`.
    #[default]
    Rename,
    /// It becomes a new version of that document.
    NewVersion,
    /// It fails.
    Fail,
}

impl ConflictPolicy {
    /// Every policy.
    pub const ALL: [Self; 4] = [Self::Skip, Self::Rename, Self::NewVersion, Self::Fail];

    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Rename => "rename",
            Self::NewVersion => "new_version",
            Self::Fail => "fail",
        }
    }
}

/// An import whose archive is staged.
#[derive(Clone, Debug)]
pub struct NewImport {
    /// Its id.
    pub id: OperationId,
    /// Its owner.
    pub owner: UserId,
    /// What to do with names that are taken.
    pub on_conflict: ConflictPolicy,
    /// Where the archive is staged.
    pub source: Url,
    /// Its size.
    pub source_size: ByteSize,
    /// The W3C trace context of the request, if it had one.
    pub traceparent: Option<String>,
    /// When it was requested.
    pub at: Timestamp,
}

/// Creates an import with the job that reads its archive, durable once this returns `Ok`.
pub async fn create_import(
    on: &impl Commit<Operation>,
    new: &NewImport,
    limits: &OperationLimits,
) -> Result<(Operation, JobId), CreateOperationError> {
    let transaction = on.database().begin().await?;
    check_open_limit::<CreateOperationError>(&transaction, new.owner, limits).await?;
    let row = operations::Insert {
        id: new.id,
        owner: new.owner,
        action: Action::Import,
        mode: RunMode::Real,
        options: json!({"on_conflict": new.on_conflict.as_str()}),
        undoes: None,
        total: 0,
        source: Some((&new.source, new.source_size)),
        at: new.at,
    };
    match operations::insert(&transaction, row).await {
        Err(DbError::Constraint(_)) => return Err(CreateOperationError::OwnerGone),
        inserted => inserted?,
    }
    evict_for_new::<CreateOperationError>(&transaction, new.owner, limits, new.at).await?;
    let job = NewJob {
        subject: Some(new.id.0),
        traceparent: new.traceparent.clone(),
        ..NewJob::without_subject(JobKind::ReadArchive, new.owner, new.at)
    };
    enqueue(&transaction, std::slice::from_ref(&job), new.at).await?;
    // The allowance was checked while it was uploaded.
    let charge = Charge {
        staging_bytes: new.source_size.as_i64(),
        ..Charge::to(new.owner.0)
    };
    users::charge(&transaction, [charge]).await?;
    let this = (new.owner, new.id);
    tell(&transaction, this, EventKind::OperationCreated, new.at).await?;
    let operation = Operation {
        id: new.id,
        owner: new.owner,
        action: Action::Import,
        state: OperationState::Pending,
        mode: RunMode::Real,
        tally: Tally::default(),
        created_at: new.at,
    };
    on.commit(transaction, &operation).await?;
    Ok((operation, job.id))
}
