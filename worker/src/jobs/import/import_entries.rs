//! Imports the next entries of an archive, and enqueues another job for those after them, behind
//! all jobs waiting by then.
//!
//! - *does*: waits while its owner has enough jobs waiting; reserves quota for the entries, stages
//!   the bytes of those that fit, a bounded number at a time; then, in one transaction, accepts
//!   them like uploads, records the outcome of each item, ends this job and enqueues the next.
//! - *safe to repeat because* that transaction is guarded by the fence, and an accepted item is
//!   behind the operation's position.
//! - *if it dies here*, staged bytes remain without a row; the cleanup removes them.
//! - *on failure* of storage or ledger the staged bytes are removed and it is retried; a bad entry
//!   fails as its item.

use domain::{DocumentName, ItemCode, Metadata, OperationId, UserId};
use futures::{StreamExt, TryStreamExt, stream};
use ledger::{
    BACKLOG_PAUSE, BatchRequest, CommittedImport, ConflictRetries, DbError, ImportChunk,
    ImportItem, NextBatch, Outcome, StagedItem, StepCheck, commit_import_chunk, next_import_batch,
};
use queue::Queue;
use serde_json::Value;
use storage::StorageRouter;
use url::Url;

use super::contents;
use crate::archives::StoredArchive;
use crate::attempt_error::AttemptError;
use crate::jobs::finish_job::finish_job;
use crate::tools::Tools;
use crate::work::Work;

/// The most entries of one chunk.
const ENTRIES: u32 = 256;

/// The most versions of one chunk unless a single entry has more, since its transaction blocks
/// others.
const VERSIONS: u32 = 256;

/// The most bytes of one chunk unless a single entry has more: the work repeated after a crash.
const BYTES: u64 = 256 << 20;

/// Entries staged concurrently.
const AT_ONCE: usize = 8;

/// Runs the job.
pub async fn import_entries(work: &Work, tools: &Tools) -> Result<(), AttemptError> {
    let Some(id) = work.claimed.subject.map(OperationId) else {
        return finish_job(work, tools).await;
    };
    tools.places.check_room()?;
    let job = work.claimed.job;
    let request = BatchRequest {
        id,
        job,
        items: ENTRIES,
        versions: VERSIONS,
        bytes: BYTES,
        limits: &tools.limits,
        now: tools.clock.now(),
    };
    let batch = match next_import_batch(&tools.db, &request).await? {
        StepCheck::Continue(NextBatch::Ready(batch)) => batch,
        StepCheck::Continue(NextBatch::Postponed) => {
            let notifier = tools.notifier.clone();
            notifier.job_due_in(BACKLOG_PAUSE, Queue::Bulk, job.id);
            return Ok(());
        }
        StepCheck::Finished | StepCheck::CancelRequested => return finish_job(work, tools).await,
        StepCheck::LeaseLost => return Err(AttemptError::LeaseLost),
    };
    let source = StoredArchive::open(&tools.places, &batch.import.source).await?;
    let source =
        source.ok_or_else(|| AttemptError::internal("the archive of the import is gone"))?;
    let mut unclaimed = UnclaimedBytes {
        tools,
        urls: Vec::new(),
    };
    let items = batch.items;
    let mut staged_items = Vec::with_capacity(items.len());
    // Each future is bound before it is awaited, so that the compiler infers one lifetime.
    let staging: Vec<_> = items
        .iter()
        .map(|item| stage_item(item, &source, batch.import.owner, tools))
        .collect();
    let mut staging = stream::iter(staging).buffered(AT_ONCE);
    while let Some(item) = staging.try_next().await? {
        unclaimed.urls.extend(staged(&item));
        staged_items.push(item);
    }
    drop(staging);
    // From here on rows may refer to the bytes, even if the call fails midway; they may be removed
    // only once it is known that none does.
    let urls = std::mem::take(&mut unclaimed.urls);
    let committed = commit(id, &staged_items, work, tools).await;
    let is_unclaimed = match &committed {
        Ok(StepCheck::Continue(_)) => false,
        Ok(StepCheck::Finished | StepCheck::CancelRequested | StepCheck::LeaseLost) => true,
        Err(error) => !error.may_be_committed(),
    };
    if is_unclaimed {
        unclaimed.urls = urls;
    }
    match committed? {
        StepCheck::Continue(done) => {
            notify(done, tools);
            Ok(())
        }
        StepCheck::Finished | StepCheck::CancelRequested => {
            tools.notifier.operation_ended(id);
            Ok(())
        }
        StepCheck::LeaseLost => Err(AttemptError::LeaseLost),
    }
}

async fn commit(
    id: OperationId,
    staged_items: &[StagedItem],
    work: &Work,
    tools: &Tools,
) -> Result<StepCheck<CommittedImport>, DbError> {
    let settlement = work.settlement(Outcome::Done);
    let mut retries = ConflictRetries::default();
    loop {
        let request = ImportChunk {
            operation: id,
            settlement: &settlement,
            limits: &tools.limits,
            items: staged_items,
            now: tools.clock.now(),
        };
        match commit_import_chunk(&tools.db, &request).await {
            Err(error) if retries.should_retry(&error) => {}
            answer => return answer,
        }
    }
}

/// Stages the entries of an item in sequence.
async fn stage_item(
    item: &ImportItem,
    source: &StoredArchive,
    owner: UserId,
    tools: &Tools,
) -> Result<StagedItem, AttemptError> {
    let name: DocumentName = item.name.parse().map_err(AttemptError::internal)?;
    // Its limits were checked when the archive was read.
    let metadata = match item.entry.metadata.clone() {
        Value::Object(object) => Metadata::stored(object),
        _ => Metadata::default(),
    };
    let mut staged = UnclaimedBytes {
        tools,
        urls: Vec::new(),
    };
    let mut contents = Vec::new();
    let mut failure = None;
    if !item.fits {
        let most = tools.limits.max_document.bytes();
        let is_too_large = item
            .entry
            .contents
            .iter()
            .any(|content| content.size > most);
        failure = Some(if is_too_large {
            ItemCode::TooLarge
        } else {
            ItemCode::QuotaExceeded
        });
    }
    let wanted = if item.fits {
        &item.entry.contents[..]
    } else {
        &[]
    };
    for content in wanted {
        match contents::stage(source, content, owner, tools).await? {
            Ok(content) => {
                staged.urls.push(content.staged.clone());
                contents.push(content);
            }
            Err(code) => {
                failure = Some(code);
                break;
            }
        }
    }
    if contents.is_empty() {
        failure = failure.or(Some(ItemCode::BrokenEntry));
    }
    if failure.is_none() {
        staged.urls.clear();
    }
    Ok(StagedItem {
        position: item.position,
        name,
        is_described: item.entry.is_described,
        metadata,
        contents: match failure {
            Some(code) => Err(code),
            None => Ok(contents),
        },
    })
}

fn staged(item: &StagedItem) -> Vec<Url> {
    let contents = item.contents.iter().flatten();
    contents.map(|content| content.staged.clone()).collect()
}

/// Sends notifications of what was committed.
fn notify(done: CommittedImport, tools: &Tools) {
    tools.remover.remove(done.unused);
    tools.notifier.jobs_enqueued(Queue::Ingest, done.processing);
    tools
        .notifier
        .jobs_enqueued(Queue::Bulk, done.next.into_iter().collect());
}

/// Staged bytes without a row; removed on drop unless they are taken over.
struct UnclaimedBytes<'a> {
    tools: &'a Tools,
    urls: Vec<Url>,
}

impl Drop for UnclaimedBytes<'_> {
    fn drop(&mut self) {
        let urls = std::mem::take(&mut self.urls);
        if !urls.is_empty() {
            remove(self.tools.places.clone(), urls);
        }
    }
}

/// Removes them in the background; the cleanup finds the rest.
fn remove(places: StorageRouter, urls: Vec<Url>) {
    tokio::spawn(async move {
        let removal = places.removal();
        for url in urls {
            if let Err(error) = removal.delete(&url).await {
                tracing::debug!(storage.url = %url, %error, "failed to remove staged bytes; the cleanup will");
            }
        }
    });
}
