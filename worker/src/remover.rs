//! Removes bytes that no row refers to any more, off the path of an outcome. What it can't remove
//! stays in the ledger's list for the job `remove_discarded`.

use futures::{StreamExt, stream};
use ledger::ownership::OwnershipError;
use ledger::{Database, DbError};
use storage::{StorageError, StorageRouter};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::warn;
use url::Url;

use crate::background::outlive_panic;
use crate::removal_guard::RemovalGuard;

/// The most objects removed, and struck off the ledger's list, in one batch.
pub const BATCH: usize = 256;

/// Concurrent deletions: enough to hide round trips, few enough to leave storage to users.
const AT_ONCE: usize = 8;

/// Batches that may wait before bytes are left to the job `remove_discarded`.
const BACKLOG: usize = 1024;

/// A handle to the remover task. The task ends when every clone is dropped and the last batch is
/// removed.
#[derive(Clone, Debug)]
pub struct Remover {
    removable: mpsc::Sender<Vec<Url>>,
}

impl Remover {
    /// Starts the task.
    pub fn start(
        db: Database,
        places: StorageRouter,
        removal_guard: RemovalGuard,
    ) -> (Self, JoinHandle<()>) {
        let (removable, waiting) = mpsc::channel(BACKLOG);
        let task = tokio::spawn(remove_all(db, places, removal_guard, waiting));
        (Self { removable }, task)
    }

    /// Queues the objects at `urls` for removal.
    pub fn remove(&self, urls: Vec<Url>) {
        if !urls.is_empty() {
            // If the backlog is full, they are left to the job.
            let _ = self.removable.try_send(urls);
        }
    }
}

async fn remove_all(
    db: Database,
    places: StorageRouter,
    removal_guard: RemovalGuard,
    mut waiting: mpsc::Receiver<Vec<Url>>,
) {
    let mut groups = Vec::new();
    while waiting.recv_many(&mut groups, BATCH).await > 0 {
        let urls: Vec<_> = groups.drain(..).flatten().collect();
        let removing = remove_or_say(&db, &places, &removal_guard, urls);
        outlive_panic("remover", removing).await;
    }
}

async fn remove_or_say(
    db: &Database,
    places: &StorageRouter,
    removal_guard: &RemovalGuard,
    urls: Vec<Url>,
) {
    match remove_batch(db, &places.removal(), removal_guard, urls).await {
        Ok(Removal::Done(batch)) => {
            if let Some((_, error)) = batch.failures.first() {
                warn!(
                    error = error as &dyn std::error::Error,
                    "failed to remove discarded bytes; a later job will"
                );
            }
        }
        Ok(Removal::Stopped) => {}
        Err(RemoveError::Ownership(error)) => warn!(
            error = &error as &dyn std::error::Error,
            "failed to remove discarded bytes; a later job will"
        ),
        Err(RemoveError::Ledger(error)) => warn!(
            error = &error as &dyn std::error::Error,
            "failed to strike removed bytes off the list; they will be removed again"
        ),
    }
}

/// The result of a batch.
#[derive(Debug)]
pub enum Removal {
    /// Nothing was removed: the cleanup is paused, or the places may not be ours, which was logged.
    Stopped,
    /// Each object was tried.
    Done(Batch),
}

/// The result for the objects of a batch.
#[derive(Debug, Default)]
pub struct Batch {
    /// The number of removed objects.
    pub removed: usize,
    /// The others, and why.
    pub failures: Vec<(Url, StorageError)>,
}

/// A batch that failed as a whole.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// The marks of the places could not be verified; nothing was removed.
    #[error(transparent)]
    Ownership(#[from] OwnershipError),
    /// Removed objects could not be struck off the list.
    #[error(transparent)]
    Ledger(#[from] DbError),
}

/// Removes the objects at `urls` if the places are ours and the cleanup isn't paused, and strikes the
/// removed ones off the ledger's list in one statement.
pub async fn remove_batch(
    db: &Database,
    removal: &storage::Removal,
    removal_guard: &RemovalGuard,
    urls: Vec<Url>,
) -> Result<Removal, RemoveError> {
    if !removal_guard.allows_removal().await? {
        return Ok(Removal::Stopped);
    }
    let mut answers = stream::iter(urls)
        .map(|url| async move {
            match removal.delete(&url).await {
                Ok(()) => Ok(url),
                Err(error) => Err((url, error)),
            }
        })
        .buffer_unordered(AT_ONCE);
    let (mut gone, mut failures) = (Vec::new(), Vec::new());
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(url) => gone.push(url),
            Err(failure) => failures.push(failure),
        }
    }
    ledger::forget_discarded(db, &gone).await?;
    Ok(Removal::Done(Batch {
        removed: gone.len(),
        failures,
    }))
}
