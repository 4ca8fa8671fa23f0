//! Creates operations. Documents are searched for before the transaction that writes the items, so
//! that other writers don't wait for a search.

use std::time::Duration;

use super::draft::{Draft, ITEMS};
use super::limits::{LimitReached, check_open_limit, evict_for_new};
use super::options::Task;
use super::tell::tell;
use crate::jobs::{NewJob, enqueue};
use crate::list::{Question, find_ids};
use crate::tables::{operation_items, operations};
use crate::{Commit, Database, DatabaseTransaction, DbError, DocumentFilter, Sort, SortKey};
use crash_points::CrashPoint;
use domain::{
    DocumentId, EventKind, JobId, Operation, OperationId, OperationLimits, OperationState, RunMode,
    Tally, Timestamp, UserId,
};

/// The time limit of the search for documents.
const TIME: Duration = Duration::from_secs(20);

/// Which documents an operation is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Selection {
    /// These, each once, in this order.
    Ids(Vec<DocumentId>),
    /// Those that match the filter when the operation is created, oldest first.
    Matching(DocumentFilter),
}

/// An operation to create.
#[derive(Clone, Debug)]
pub struct NewOperation {
    /// Its id.
    pub id: OperationId,
    /// Its owner.
    pub owner: UserId,
    /// What it does.
    pub task: Task,
    /// To which documents.
    pub selection: Selection,
    /// Whether it changes them.
    pub mode: RunMode,
    /// The W3C trace context of the request, if it had one.
    pub traceparent: Option<String>,
    /// When it was requested.
    pub at: Timestamp,
}

/// Why an operation was not created; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum CreateOperationError {
    /// It is about more than [`Operation::MAX_ITEMS`] documents.
    #[error("more documents are meant than one operation takes")]
    TooMany,
    /// The owner has been deleted.
    #[error("the owner is gone")]
    OwnerGone,
    /// The owner has too many operations.
    #[error(transparent)]
    LimitReached(#[from] LimitReached),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Creates an operation, durable once this returns `Ok`. Returns it with its first job.
pub async fn create_operation(
    on: &impl Commit<Operation>,
    new: &NewOperation,
    limits: &OperationLimits,
) -> Result<(Operation, JobId), CreateOperationError> {
    let found = match &new.selection {
        Selection::Ids(_) => Vec::new(),
        Selection::Matching(filter) => find(on.database(), new.owner, filter).await?,
    };
    let documents = match &new.selection {
        Selection::Ids(documents) => documents,
        Selection::Matching(_) => &found,
    };
    if documents.len() > Operation::MAX_ITEMS {
        return Err(CreateOperationError::TooMany);
    }
    let (parts, last) = documents.split_at(documents.len().saturating_sub(1) / ITEMS * ITEMS);
    let mut draft = None;
    for part in parts.chunks(ITEMS) {
        draft = Some(write_part(on.database(), new, (part, documents.len()), draft, limits).await?);
    }
    let _slot = on.database().bulk_slot(new.owner).await?;
    let transaction = on.database().begin().await?;
    let written = if let Some(draft) = draft {
        draft.lock(&transaction).await?;
        draft.publish(&transaction).await?;
        draft.written
    } else {
        check_open_limit::<CreateOperationError>(&transaction, new.owner, limits).await?;
        insert(&transaction, new, 0).await?;
        0
    };
    let written = written + insert_items(&transaction, new, last, written).await?;
    let total = u32::try_from(written).map_err(|_| CreateOperationError::TooMany)?;
    finish(on, transaction, (new, total), limits).await
}

/// Writes a part of an operation's items, and with the first part a draft of the operation.
async fn write_part(
    db: &Database,
    new: &NewOperation,
    (part, of): (&[DocumentId], usize),
    draft: Option<Draft>,
    limits: &OperationLimits,
) -> Result<Draft, CreateOperationError> {
    // Each part waits for a slot of its own.
    let _slot = db.bulk_slot(new.owner).await?;
    let transaction = db.begin().await?;
    let mut draft = if let Some(draft) = draft {
        draft.lock(&transaction).await?;
        draft
    } else {
        check_open_limit::<CreateOperationError>(&transaction, new.owner, limits).await?;
        insert(&transaction, new, of).await?;
        // Before it becomes a draft: what expires is counted apart.
        evict_for_new::<CreateOperationError>(&transaction, new.owner, limits, new.at).await?;
        Draft::begin(&transaction, new.id, new.at).await?
    };
    draft.written += insert_items(&transaction, new, part, draft.written).await?;
    crash_points::reach(CrashPoint::BeforeItems);
    transaction.commit().await.map_err(DbError::from)?;
    crash_points::reach(CrashPoint::AfterItems);
    Ok(draft)
}

/// Sets the number of items, enqueues the first job, and commits.
async fn finish(
    on: &impl Commit<Operation>,
    transaction: DatabaseTransaction,
    (new, total): (&NewOperation, u32),
    limits: &OperationLimits,
) -> Result<(Operation, JobId), CreateOperationError> {
    operations::set_total(&transaction, new.id, total.into()).await?;
    evict_for_new::<CreateOperationError>(&transaction, new.owner, limits, new.at).await?;
    let job = NewJob {
        subject: Some(new.id.0),
        traceparent: new.traceparent.clone(),
        ..NewJob::without_subject(new.task.job(), new.owner, new.at)
    };
    enqueue(&transaction, std::slice::from_ref(&job), new.at).await?;
    let this = (new.owner, new.id);
    tell(&transaction, this, EventKind::OperationCreated, new.at).await?;
    let operation = Operation {
        id: new.id,
        owner: new.owner,
        action: new.task.action(),
        state: OperationState::Pending,
        mode: new.mode,
        tally: Tally {
            total,
            ..Tally::default()
        },
        created_at: new.at,
    };
    on.commit(transaction, &operation).await?;
    Ok((operation, job.id))
}

/// Inserts the operation's row with the number of items to come.
async fn insert(
    transaction: &DatabaseTransaction,
    new: &NewOperation,
    total: usize,
) -> Result<(), CreateOperationError> {
    let row = operations::Insert {
        id: new.id,
        owner: new.owner,
        action: new.task.action(),
        mode: new.mode,
        options: new.task.options(),
        undoes: None,
        total: i64::try_from(total).unwrap_or(i64::MAX),
        source: None,
        at: new.at,
    };
    match operations::insert(transaction, row).await {
        Err(DbError::Constraint(_)) => Err(CreateOperationError::OwnerGone),
        inserted => Ok(inserted?),
    }
}

/// Returns the documents that match the filter now, oldest first.
async fn find(
    db: &Database,
    owner: UserId,
    filter: &DocumentFilter,
) -> Result<Vec<DocumentId>, CreateOperationError> {
    let search = db.search(owner, TIME).await?;
    let question = Question {
        owner,
        filter,
        sort: Sort {
            key: SortKey::CreatedAt,
            descending: false,
        },
    };
    let found = find_ids(&search, question, Operation::MAX_ITEMS + 1).await?;
    search.end().await?;
    if found.len() > Operation::MAX_ITEMS {
        return Err(CreateOperationError::TooMany);
    }
    Ok(found)
}

/// Inserts items behind the `written` ones, and returns how many.
async fn insert_items(
    transaction: &DatabaseTransaction,
    new: &NewOperation,
    documents: &[DocumentId],
    written: u64,
) -> Result<u64, DbError> {
    // A named document that doesn't exist still becomes an item, which fails.
    let which = match new.selection {
        Selection::Ids(_) => operation_items::Which::All,
        Selection::Matching(_) => operation_items::Which::Existing,
    };
    let operation = (new.id, new.owner);
    operation_items::insert_documents(transaction, operation, documents, written, which).await
}
