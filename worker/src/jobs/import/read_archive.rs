//! Reads the directory of an imported archive and creates items from its entries.
//!
//! - *does*: checks the directory against the operator's limits before trusting it, reads the
//!   manifest if there is one, and writes the items in batches, those of the manifest first. Other
//!   jobs import the entries.
//! - *safe to repeat because* it first deletes the items of earlier attempts.
//! - *if it dies here*, the next attempt starts over.
//! - *on failure* of storage or ledger it is retried; a hostile or broken archive ends the
//!   operation with an error code.

use std::sync::Arc;

use archive::{
    ArchiveError, Contents, EntryError, EntryReader, Limits as ArchiveLimits, Listed, check,
};
use domain::{OperationErrorCode, OperationId};
use ledger::{
    Import, NewImportItem, Outcome, StepCheck, add_import_items, begin_import, refuse_import,
    start_import,
};
use queue::Queue;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tracing::info;

use super::description::Description;
use super::items::{Files, plain};
use super::manifest::{self, Unread};
use crate::archives::{MANIFEST, StoredArchive};
use crate::attempt_error::AttemptError;
use crate::jobs::finish_job::finish_job;
use crate::tools::Tools;
use crate::work::Work;

/// The most items written in one transaction.
const BATCH: usize = 1000;

/// Their total length as text, unless a single item has more.
const BATCH_BYTES: usize = 256 << 10;

/// Items that may wait to be written while the manifest is read.
const AHEAD: usize = 8;

/// Runs the job.
pub async fn read_archive(work: &Work, tools: &Tools) -> Result<(), AttemptError> {
    let Some(id) = work.claimed.subject.map(OperationId) else {
        return finish_job(work, tools).await;
    };
    // Waiting jobs hold no memory.
    let _directory = tools
        .directories
        .acquire()
        .await
        .map_err(AttemptError::internal)?;
    let import = match begin_import(&tools.db, id, work.claimed.job, tools.clock.now()).await? {
        StepCheck::Continue(import) => import,
        StepCheck::Finished | StepCheck::CancelRequested => return finish_job(work, tools).await,
        StepCheck::LeaseLost => return Err(AttemptError::LeaseLost),
    };
    let Some(source) = StoredArchive::open(&tools.places, &import.source).await? else {
        return refuse(&import, OperationErrorCode::Internal, work, tools).await;
    };
    let most = u64::from(tools.limits.imports.entries);
    let limits = ArchiveLimits {
        // An exported archive has a manifest beside its files.
        entries: most + 1,
        bytes: tools.limits.imports.bytes.bytes(),
        ratio: u64::from(tools.limits.imports.ratio),
    };
    let checked = check(&source, &limits).await;
    let contents = match checked.and_then(|contents| within(contents, most)) {
        Ok(contents) => contents,
        Err(ArchiveError::Source(error)) => return Err(AttemptError::internal(error)),
        Err(error) => {
            info!(operation.id = %id, error = &error as &dyn std::error::Error, "archive refused");
            return refuse(&import, code_of(&error), work, tools).await;
        }
    };
    let mut batch = Batch::new(id, work, tools);
    match write_items(&source, contents, &mut batch).await? {
        StepCheck::Continue(()) | StepCheck::CancelRequested => {}
        StepCheck::Finished => return finish_job(work, tools).await,
        StepCheck::LeaseLost => return Err(AttemptError::LeaseLost),
    }
    let settlement = work.settlement(Outcome::Done);
    match start_import(&tools.db, &import, &settlement, tools.clock.now()).await? {
        StepCheck::Continue(next) => tools.notifier.jobs_enqueued(Queue::Bulk, vec![next]),
        StepCheck::LeaseLost => return Err(AttemptError::LeaseLost),
        StepCheck::Finished | StepCheck::CancelRequested => {}
    }
    Ok(())
}

async fn refuse(
    import: &Import,
    code: OperationErrorCode,
    work: &Work,
    tools: &Tools,
) -> Result<(), AttemptError> {
    let settlement = work.settlement(Outcome::Done);
    let now = tools.clock.now();
    match refuse_import(&tools.db, import, &settlement, code, now).await? {
        StepCheck::LeaseLost => Err(AttemptError::LeaseLost),
        StepCheck::Finished => finish_job(work, tools).await,
        StepCheck::Continue(()) | StepCheck::CancelRequested => {
            tools.remover.remove(vec![import.source.clone()]);
            tools.notifier.operation_ended(import.id);
            Ok(())
        }
    }
}

const fn code_of(error: &ArchiveError) -> OperationErrorCode {
    match error {
        ArchiveError::NotAnArchive => OperationErrorCode::NotAnArchive,
        ArchiveError::Split => OperationErrorCode::SplitArchive,
        ArchiveError::Inconsistent(_) => OperationErrorCode::BrokenArchive,
        ArchiveError::Overlap => OperationErrorCode::OverlappingEntries,
        ArchiveError::TooManyEntries { .. } => OperationErrorCode::TooManyEntries,
        ArchiveError::TooLarge => OperationErrorCode::TooLarge,
        ArchiveError::TooDense { .. } => OperationErrorCode::RatioExceeded,
        ArchiveError::Source(_) => OperationErrorCode::Internal,
    }
}

/// Refuses too many files, not counting the manifest.
fn within(contents: Contents, most: u64) -> Result<Contents, ArchiveError> {
    let is_file = |entry: &&Listed| entry.path != MANIFEST;
    let found = contents.entries.iter().filter(is_file).count() as u64;
    if found > most {
        return Err(ArchiveError::TooManyEntries { found, most });
    }
    Ok(contents)
}

/// Writes the items of an archive. An unreadable manifest is treated as an ordinary file.
async fn write_items(
    source: &StoredArchive,
    contents: Contents,
    batch: &mut Batch<'_>,
) -> Result<StepCheck<()>, AttemptError> {
    let contents = Arc::new(contents);
    let mut used = vec![false; contents.entries.len()];
    if is_described(source, &contents).await?
        && let Some(entry) = open_manifest(source, &contents).await?
    {
        let (items, mut described) = mpsc::channel(AHEAD);
        let reading = tokio::task::spawn_blocking({
            let contents = Arc::clone(&contents);
            move || describe(entry, &contents, &items)
        });
        while let Some(item) = described.recv().await {
            let standing = batch.add(item).await?;
            if !matches!(standing, StepCheck::Continue(())) {
                return Ok(standing);
            }
        }
        used = match reading.await.map_err(AttemptError::internal)? {
            Ok(used) => used,
            Err(Unread::AttemptError(fault)) => return Err(fault),
            Err(Unread::NotAManifest | Unread::Dropped) => {
                return Err(AttemptError::internal(
                    "the manifest was another one before",
                ));
            }
        };
    }
    for (file, used) in contents.entries.iter().zip(used) {
        if let Some(item) = plain(file).filter(|_| !used) {
            let standing = batch.add(item).await?;
            if !matches!(standing, StepCheck::Continue(())) {
                return Ok(standing);
            }
        }
    }
    batch.write().await
}

/// Returns whether there is a manifest that can be read to its end; it is used only then.
async fn is_described(source: &StoredArchive, contents: &Contents) -> Result<bool, AttemptError> {
    let Some(entry) = open_manifest(source, contents).await? else {
        return Ok(false);
    };
    let most = contents.entries.len();
    let runtime = Handle::current();
    let read = move || manifest::read(entry, &runtime, most, |_| true);
    let read = tokio::task::spawn_blocking(read).await;
    match read.map_err(AttemptError::internal)? {
        Ok(()) => Ok(true),
        Err(Unread::AttemptError(fault)) => Err(fault),
        Err(Unread::NotAManifest | Unread::Dropped) => Ok(false),
    }
}

/// Passes the items of the manifest to `items`, with the directory positions they use.
fn describe(
    entry: EntryReader,
    contents: &Contents,
    items: &mpsc::Sender<NewImportItem>,
) -> Result<Vec<bool>, Unread> {
    let mut files = Files::of(contents);
    let take = |document: Description<'_>| match files.described(document) {
        Some(item) => items.blocking_send(item).is_ok(),
        None => true,
    };
    manifest::read(entry, &Handle::current(), contents.entries.len(), take)?;
    Ok(files.into_used())
}

/// Returns the manifest, if there is one of plausible length.
async fn open_manifest(
    source: &StoredArchive,
    contents: &Contents,
) -> Result<Option<EntryReader>, AttemptError> {
    let longest = manifest::longest(contents.entries.len());
    let is_manifest = |entry: &&Listed| {
        entry.path == MANIFEST && entry.problem.is_none() && entry.extent.size <= longest
    };
    let Some(entry) = contents.entries.iter().find(is_manifest) else {
        return Ok(None);
    };
    match EntryReader::open(source, &entry.extent).await {
        Ok(reader) => Ok(Some(reader)),
        Err(EntryError::Broken(_)) => Ok(None),
        Err(EntryError::Source(error)) => Err(AttemptError::internal(error)),
    }
}

/// Buffers items and writes them to the ledger.
struct Batch<'a> {
    id: OperationId,
    work: &'a Work,
    tools: &'a Tools,
    items: Vec<NewImportItem>,
    bytes: usize,
    position: i64,
}

impl<'a> Batch<'a> {
    const fn new(id: OperationId, work: &'a Work, tools: &'a Tools) -> Self {
        Self {
            id,
            work,
            tools,
            items: Vec::new(),
            bytes: 0,
            position: 0,
        }
    }

    /// Appends an item, and writes the batch once it is full.
    async fn add(&mut self, item: NewImportItem) -> Result<StepCheck<()>, AttemptError> {
        let entry = item.entry.as_ref().ok();
        let entry = entry.map(serde_json::to_string).transpose();
        let entry = entry.map_err(AttemptError::internal)?.unwrap_or_default();
        self.bytes += item.name.len() + entry.len();
        self.items.push(NewImportItem {
            position: self.position,
            ..item
        });
        self.position += 1;
        if self.items.len() < BATCH && self.bytes < BATCH_BYTES {
            return Ok(StepCheck::Continue(()));
        }
        self.write().await
    }

    /// Writes the batch. A cancelled operation still gets all of its items.
    async fn write(&mut self) -> Result<StepCheck<()>, AttemptError> {
        let items = std::mem::take(&mut self.items);
        self.bytes = 0;
        if items.is_empty() {
            return Ok(StepCheck::Continue(()));
        }
        let job = self.work.claimed.job;
        let written = add_import_items(&self.tools.db, self.id, job, &items).await?;
        Ok(match written {
            StepCheck::CancelRequested => StepCheck::Continue(()),
            standing => standing,
        })
    }
}
