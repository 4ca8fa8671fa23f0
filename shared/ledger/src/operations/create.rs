//! Accepting an operation: what it is about is found by a read, and fixed as its items by few
//! statements, so that nothing is searched while others wait to write.

use std::time::Duration;

use super::draft::{Draft, ITEMS};
use super::options::Task;
use super::room::{NoRoom, check_open, make_room};
use crate::jobs::{NewJob, enqueue};
use crate::list::{Question, find_ids};
use crate::tables::{operation_items, operations};
use crate::{Commit, Database, DatabaseTransaction, DbError, DocumentFilter, Sort, SortKey};
use crash_points::CrashPoint;
use domain::{
    DocumentId, JobId, Operation, OperationId, OperationLimits, OperationState, RunMode, Tally,
    Timestamp, UserId,
};

/// The longest that the documents of an operation are looked for.
const TIME: Duration = Duration::from_secs(20);

/// Which documents are meant.
#[derive(Clone, Debug, PartialEq)]
pub enum Selection {
    /// These, each once, in this order.
    Ids(Vec<DocumentId>),
    /// Those that the filter means at the moment when the operation is accepted, oldest first.
    Matching(DocumentFilter),
}

/// An operation to be accepted.
#[derive(Clone, Debug)]
pub struct NewOperation {
    /// Its id.
    pub id: OperationId,
    /// Whose it is.
    pub owner: UserId,
    /// What it does.
    pub task: Task,
    /// To what.
    pub selection: Selection,
    /// Whether it does it.
    pub mode: RunMode,
    /// The W3C trace context of the request, if it had one.
    pub traceparent: Option<String>,
    /// When it was asked for.
    pub at: Timestamp,
}

/// An operation that was not accepted; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum CreateOperationError {
    /// More than [`Operation::MAX_ITEMS`] documents are meant.
    #[error("more documents are meant than one operation takes")]
    TooMany,
    /// The owner has been deleted.
    #[error("the owner is gone")]
    OwnerGone,
    /// The owner has as much of operations as they may.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Accepts an operation. Once it returns `Ok`, that is durable. Gives the operation, and the
/// job that begins it.
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
        draft.hold(&transaction).await?;
        draft.finish(&transaction).await?;
        draft.written
    } else {
        check_open::<CreateOperationError>(&transaction, new.owner, limits).await?;
        insert(&transaction, new, 0).await?;
        0
    };
    let written = written + insert_items(&transaction, new, last, written).await?;
    let total = u32::try_from(written).map_err(|_| CreateOperationError::TooMany)?;
    finish(on, transaction, (new, total), limits).await
}

/// Writes a part of an operation's items, and first of all the operation, which nobody sees until
/// the last one is written.
async fn write_part(
    db: &Database,
    new: &NewOperation,
    (part, of): (&[DocumentId], usize),
    draft: Option<Draft>,
    limits: &OperationLimits,
) -> Result<Draft, CreateOperationError> {
    // Each part takes its turn among all that write as much.
    let _slot = db.bulk_slot(new.owner).await?;
    let transaction = db.begin().await?;
    let mut draft = if let Some(draft) = draft {
        draft.hold(&transaction).await?;
        draft
    } else {
        check_open::<CreateOperationError>(&transaction, new.owner, limits).await?;
        insert(&transaction, new, of).await?;
        // While it is seen: what has expired counts otherwise.
        make_room::<CreateOperationError>(&transaction, new.owner, limits, new.at).await?;
        Draft::hide(&transaction, new.id, new.at).await?
    };
    draft.written += insert_items(&transaction, new, part, draft.written).await?;
    crash_points::reach(CrashPoint::BeforeItems);
    transaction.commit().await.map_err(DbError::from)?;
    crash_points::reach(CrashPoint::AfterItems);
    Ok(draft)
}

/// Counts the items of an operation that is written whole, and has a job begin it.
async fn finish(
    on: &impl Commit<Operation>,
    transaction: DatabaseTransaction,
    (new, total): (&NewOperation, u32),
    limits: &OperationLimits,
) -> Result<(Operation, JobId), CreateOperationError> {
    operations::set_total(&transaction, new.id, total.into()).await?;
    make_room::<CreateOperationError>(&transaction, new.owner, limits, new.at).await?;
    let job = NewJob {
        subject: Some(new.id.0),
        traceparent: new.traceparent.clone(),
        ..NewJob::without_subject(new.task.job(), new.owner, new.at)
    };
    enqueue(&transaction, std::slice::from_ref(&job), new.at).await?;
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

/// Inserts the operation's row, which counts the items that are to come.
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

/// The documents that the filter means now, oldest first.
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

/// Inserts items behind those that are written, and says how many these were.
async fn insert_items(
    transaction: &DatabaseTransaction,
    new: &NewOperation,
    documents: &[DocumentId],
    written: u64,
) -> Result<u64, DbError> {
    // Named documents in the order in which they are named: what isn't the owner's, or isn't
    // there, becomes an item without a name. Of found ones, those that are there still.
    let which = match new.selection {
        Selection::Ids(_) => operation_items::Which::All,
        Selection::Matching(_) => operation_items::Which::Existing,
    };
    let operation = (new.id, new.owner);
    operation_items::insert_documents(transaction, operation, documents, written, which).await
}
