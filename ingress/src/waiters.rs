//! Requests that wait for a document to leave `pending`: woken by the feed, never by a question of their own.
//!
//! What the feed loses is found by one question a second for all waiters together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use shared::db::{Database, find_settled};
use shared::domain::DocumentId;
use shared::queue::Feed;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// How long word of a settled document may take when the feed lost it.
const LOOK: Duration = Duration::from_secs(1);
/// Ids in one question to the database.
const BATCH: usize = 5_000;

/// The documents that are waited for.
#[derive(Clone, Debug, Default)]
pub struct Waiters(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    documents: HashMap<DocumentId, watch::Sender<bool>>,
    /// Nobody waits any more: the process is about to end.
    closed: bool,
}

/// A place in the table. It is given up when dropped.
#[derive(Debug)]
pub struct Waiting {
    document: DocumentId,
    settled: watch::Receiver<bool>,
    waiters: Waiters,
}

impl Waiters {
    /// Takes a place. Take it before looking at the document, so that nothing happens in between.
    #[must_use]
    pub fn join(&self, document: DocumentId) -> Waiting {
        let mut table = self.table();
        let settled = if table.closed {
            watch::Sender::new(true).subscribe()
        } else {
            table.documents.entry(document).or_default().subscribe()
        };
        drop(table);
        Waiting {
            document,
            settled,
            waiters: self.clone(),
        }
    }

    /// Wakes everybody for good: those who wait must not hold up the end of the process.
    pub fn close(&self) {
        let mut table = self.table();
        table.closed = true;
        for (_, sender) in table.documents.drain() {
            sender.send_replace(true);
        }
    }

    /// Whether nobody is let wait any more.
    #[must_use]
    pub fn are_closed(&self) -> bool {
        self.table().closed
    }

    /// Wakes whoever waits, for as long as it is polled.
    pub async fn run(&self, db: &Database, feed: &dyn Feed) {
        let mut announced = feed.settled().await;
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(documents) = announced.next() => self.wake(&documents),
                _ = look.tick() => self.look(db).await,
            }
        }
    }

    async fn look(&self, db: &Database) {
        let waited: Vec<_> = self.table().documents.keys().copied().collect();
        for batch in waited.chunks(BATCH) {
            match find_settled(db, batch).await {
                Ok(settled) => self.wake(&settled),
                Err(error) => {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "could not look for settled documents"
                    );
                }
            }
        }
    }

    fn wake(&self, documents: &[DocumentId]) {
        let mut table = self.table();
        for document in documents {
            if let Some(sender) = table.documents.remove(document) {
                sender.send_replace(true);
            }
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Returns when the document may have left `pending`, or after `patience`.
    pub async fn settled(&mut self, patience: Duration) {
        // An error means that the sender is gone, which it is once it has sent.
        let _ = tokio::time::timeout(patience, self.settled.wait_for(|settled| *settled)).await;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut table = self.waiters.table();
        // Our own receiver still counts. A later sender of the same document counts anew.
        let last = table
            .documents
            .get(&self.document)
            .is_some_and(|sender| sender.receiver_count() == 1 && !*self.settled.borrow());
        if last {
            table.documents.remove(&self.document);
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::Timestamp;

    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    fn document() -> DocumentId {
        DocumentId::new(Timestamp::from_micros(0))
    }

    #[tokio::test]
    async fn everyone_who_waits_is_woken() {
        let (waiters, id) = (Waiters::default(), document());
        let mut waiting = [waiters.join(id), waiters.join(id)];
        waiters.wake(&[document(), id]);
        for waiting in &mut waiting {
            waiting.settled(LONG).await;
        }
        assert!(waiters.table().documents.is_empty());
    }

    #[tokio::test]
    async fn a_waiter_gives_up_and_leaves_no_trace() {
        let waiters = Waiters::default();
        let mut waiting = [waiters.join(document()), waiters.join(document())];
        waiting[0].settled(Duration::from_millis(5)).await;
        drop(waiting);
        assert!(waiters.table().documents.is_empty());
    }

    #[tokio::test]
    async fn one_who_leaves_does_not_take_the_others_along() {
        let (waiters, id) = (Waiters::default(), document());
        let (gone, mut stays) = (waiters.join(id), waiters.join(id));
        drop(gone);
        waiters.wake(&[id]);
        stays.settled(LONG).await;
    }

    #[tokio::test]
    async fn nobody_holds_up_the_end() {
        let waiters = Waiters::default();
        let mut before = waiters.join(document());
        waiters.close();
        before.settled(LONG).await;
        waiters.join(document()).settled(LONG).await;
    }
}
