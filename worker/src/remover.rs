//! Removes bytes that no row refers to any more, beside the road of an outcome. What it
//! can't remove stays in the ledger's list, for the job `remove_discarded`.

use futures::{StreamExt, stream};
use ledger::ownership::OwnershipError;
use ledger::{Database, DbError};
use queue::JobKind;
use storage::{Places, StorageError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::warn;
use url::Url;

use crate::background::outlive_panic;
use crate::clearance::Clearance;

/// The most objects that are removed, and then forgotten, together.
pub const BATCH: usize = 256;

/// Objects that are removed at once: enough to hide a round trip, few enough to leave
/// storage to those who wait for it.
const AT_ONCE: usize = 8;

/// Settled jobs whose bytes may wait before they are left to the job.
const BACKLOG: usize = 1024;

/// The door to the remover. It ends when every clone is gone and the last batch is removed.
#[derive(Clone, Debug)]
pub struct Remover {
    removable: mpsc::Sender<Vec<Url>>,
}

impl Remover {
    /// Starts it.
    pub fn start(db: Database, places: Places, clearance: Clearance) -> (Self, JoinHandle<()>) {
        let (removable, waiting) = mpsc::channel(BACKLOG);
        let task = tokio::spawn(remove_all(db, places, clearance, waiting));
        (Self { removable }, task)
    }

    /// Removes the bytes at `urls`, soon.
    pub fn remove(&self, urls: Vec<Url>) {
        if !urls.is_empty() {
            // With a full backlog they are left to the job.
            let _ = self.removable.try_send(urls);
        }
    }
}

async fn remove_all(
    db: Database,
    places: Places,
    clearance: Clearance,
    mut waiting: mpsc::Receiver<Vec<Url>>,
) {
    let mut groups = Vec::new();
    while waiting.recv_many(&mut groups, BATCH).await > 0 {
        let urls: Vec<_> = groups.drain(..).flatten().collect();
        let removing = remove_or_say(&db, &places, &clearance, urls);
        outlive_panic("remover", removing).await;
    }
}

async fn remove_or_say(db: &Database, places: &Places, clearance: &Clearance, urls: Vec<Url>) {
    match remove_batch(db, places, clearance, urls).await {
        Ok(Removal::Done(batch)) => {
            if let Some(error) = batch.failures.first() {
                warn!(
                    error = error as &dyn std::error::Error,
                    "discarded bytes are left to a later job"
                );
            }
        }
        Ok(Removal::Stopped) => {}
        Err(RemoveError::Ownership(error)) => warn!(
            error = &error as &dyn std::error::Error,
            "discarded bytes are left to a later job"
        ),
        Err(RemoveError::Ledger(error)) => warn!(
            error = &error as &dyn std::error::Error,
            "removed bytes were not forgotten"
        ),
    }
}

/// What came of a batch.
#[derive(Debug)]
pub enum Removal {
    /// Nothing was removed, since the places may not be ours; operators were told.
    Stopped,
    /// Each was tried.
    Done(Batch),
}

/// What came of the objects of a batch.
#[derive(Debug, Default)]
pub struct Batch {
    /// How many objects are gone.
    pub removed: usize,
    /// Why the others aren't.
    pub failures: Vec<StorageError>,
}

/// A batch of which it isn't known what came.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// Whose the places are could not be told: nothing was removed.
    #[error(transparent)]
    Ownership(#[from] OwnershipError),
    /// What was removed could not be forgotten.
    #[error(transparent)]
    Ledger(#[from] DbError),
}

/// Removes the bytes at `urls`, if the places are ours, and forgets those that are gone, in one
/// statement.
pub async fn remove_batch(
    db: &Database,
    places: &Places,
    clearance: &Clearance,
    urls: Vec<Url>,
) -> Result<Removal, RemoveError> {
    if !clearance.is_given(JobKind::RemoveDiscarded).await? {
        return Ok(Removal::Stopped);
    }
    let removal = &places.removal();
    let mut answers = stream::iter(urls)
        .map(|url| async move { removal.delete(&url).await.map(|()| url) })
        .buffer_unordered(AT_ONCE);
    let (mut gone, mut failures) = (Vec::new(), Vec::new());
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(url) => gone.push(url),
            Err(error) => failures.push(error),
        }
    }
    ledger::forget_discarded(db, &gone).await?;
    Ok(Removal::Done(Batch {
        removed: gone.len(),
        failures,
    }))
}
