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
    BACKLOG_PAUSE, DbError, DueItems, HandIn, HandedIn, ImportArrival, ImportItem, Outcome,
    Standing, Tries, TurnRequest, due_import_items, hand_in,
};
use queue::Queue;
use serde_json::Value;
use storage::StorageRouter;
use url::Url;

use super::contents;
use super::over::over;
use crate::archives::StoredArchive;
use crate::attempt_error::AttemptError;
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
        return over(work, tools).await;
    };
    tools.places.check_room()?;
    let job = work.claimed.job;
    let request = TurnRequest {
        id,
        job,
        items: ENTRIES,
        versions: VERSIONS,
        bytes: BYTES,
        limits: &tools.limits,
        now: tools.clock.now(),
    };
    let turn = match due_import_items(&tools.db, &request).await? {
        Standing::Goes(DueItems::Turn(turn)) => turn,
        Standing::Goes(DueItems::Later) => {
            let notifier = tools.notifier.clone();
            notifier.job_due_in(BACKLOG_PAUSE, Queue::Bulk, job.id);
            return Ok(());
        }
        Standing::Over | Standing::Stops => return over(work, tools).await,
        Standing::LeaseLost => return Err(AttemptError::LeaseLost),
    };
    let source = StoredArchive::open(&tools.places, &turn.import.source).await?;
    let source =
        source.ok_or_else(|| AttemptError::internal("the archive of the import is gone"))?;
    let mut litter = Litter {
        tools,
        urls: Vec::new(),
    };
    let items = turn.items;
    let mut arrivals = Vec::with_capacity(items.len());
    // Each future is bound before it is awaited, so that the compiler infers one lifetime.
    let staging: Vec<_> = items
        .iter()
        .map(|item| arrival(item, &source, turn.import.owner, tools))
        .collect();
    let mut staging = stream::iter(staging).buffered(AT_ONCE);
    while let Some(arrival) = staging.try_next().await? {
        litter.urls.extend(staged(&arrival));
        arrivals.push(arrival);
    }
    drop(staging);
    // From here on rows may refer to the bytes, even if the call fails midway; they may be removed
    // only once it is known that none does.
    let urls = std::mem::take(&mut litter.urls);
    let handed = take_in(id, &arrivals, work, tools).await;
    let is_litter = match &handed {
        Ok(Standing::Goes(_)) => false,
        Ok(Standing::Over | Standing::Stops | Standing::LeaseLost) => true,
        Err(error) => !error.may_be_committed(),
    };
    if is_litter {
        litter.urls = urls;
    }
    match handed? {
        Standing::Goes(done) => {
            spread(done, tools);
            Ok(())
        }
        Standing::Over | Standing::Stops => {
            tools.notifier.operation_ended(id);
            Ok(())
        }
        Standing::LeaseLost => Err(AttemptError::LeaseLost),
    }
}

async fn take_in(
    id: OperationId,
    arrivals: &[ImportArrival],
    work: &Work,
    tools: &Tools,
) -> Result<Standing<HandedIn>, DbError> {
    let settlement = work.settlement(Outcome::Done);
    let mut tries = Tries::default();
    loop {
        let request = HandIn {
            operation: id,
            settlement: &settlement,
            limits: &tools.limits,
            arrivals,
            now: tools.clock.now(),
        };
        match hand_in(&tools.db, &request).await {
            Err(error) if tries.again(&error) => {}
            answer => return answer,
        }
    }
}

/// Stages the entries of an item in sequence.
async fn arrival(
    item: &ImportItem,
    source: &StoredArchive,
    owner: UserId,
    tools: &Tools,
) -> Result<ImportArrival, AttemptError> {
    let name: DocumentName = item.name.parse().map_err(AttemptError::internal)?;
    // Its limits were checked when the archive was read.
    let metadata = match item.entry.metadata.clone() {
        Value::Object(object) => Metadata::stored(object),
        _ => Metadata::default(),
    };
    let mut staged = Litter {
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
    Ok(ImportArrival {
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

fn staged(arrival: &ImportArrival) -> Vec<Url> {
    let contents = arrival.contents.iter().flatten();
    contents.map(|content| content.staged.clone()).collect()
}

/// Sends notifications of what was committed.
fn spread(done: HandedIn, tools: &Tools) {
    tools.remover.remove(done.unused);
    tools.notifier.jobs_enqueued(Queue::Ingest, done.processing);
    tools
        .notifier
        .jobs_enqueued(Queue::Bulk, done.next.into_iter().collect());
}

/// Staged bytes without a row; removed on drop unless they are taken over.
struct Litter<'a> {
    tools: &'a Tools,
    urls: Vec<Url>,
}

impl Drop for Litter<'_> {
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
