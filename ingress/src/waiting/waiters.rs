//! Requests that wait for a document or version to leave `pending`, or for an operation to end. The
//! feed wakes them; none polls by itself.
//!
//! One poll per second for all waiters finds what the feed loses.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use beat::ticks;
use domain::{DocumentId, OperationId};
use futures::StreamExt;
use ledger::{Database, DbError, find_ended, find_settled, find_settled_versions};
use queue::{Awaited, Feed};
use tokio::sync::watch;

/// The poll interval.
const LOOK: Duration = Duration::from_secs(1);
/// Ids in one query.
const BATCH: usize = 5_000;

/// A subject of waiters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    /// A document, or one of its versions by number.
    Document(DocumentId, Option<u32>),
    Operation(OperationId),
}

/// The subjects.
#[derive(Clone, Debug, Default)]
pub struct Waiters(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    subjects: BTreeMap<Subject, watch::Sender<bool>>,
    /// Set at shutdown: waiting has ended.
    closed: bool,
}

/// A registration, removed on drop.
#[derive(Debug)]
pub struct Waiting {
    subject: Subject,
    settled: watch::Receiver<bool>,
    waiters: Waiters,
}

impl Waiters {
    /// Registers a waiter for a document. Register before reading the document, so that no change
    /// is missed.
    #[must_use]
    pub fn join(&self, document: DocumentId) -> Waiting {
        self.wait_for(Subject::Document(document, None))
    }

    /// Registers a waiter for a version; same rule.
    #[must_use]
    pub fn join_version(&self, document: DocumentId, number: u32) -> Waiting {
        self.wait_for(Subject::Document(document, Some(number)))
    }

    /// Registers a waiter for an operation; same rule.
    #[must_use]
    pub fn join_operation(&self, operation: OperationId) -> Waiting {
        self.wait_for(Subject::Operation(operation))
    }

    fn wait_for(&self, subject: Subject) -> Waiting {
        let mut table = self.table();
        let settled = if table.closed {
            watch::Sender::new(true).subscribe()
        } else {
            table.subjects.entry(subject).or_default().subscribe()
        };
        drop(table);
        Waiting {
            subject,
            settled,
            waiters: self.clone(),
        }
    }

    /// Wakes all waiters permanently, so that they don't delay shutdown.
    pub fn close(&self) {
        let mut table = self.table();
        table.closed = true;
        for sender in std::mem::take(&mut table.subjects).into_values() {
            sender.send_replace(true);
        }
    }

    /// Returns the number of waiters.
    #[must_use]
    pub fn count(&self) -> usize {
        let table = self.table();
        let waiting = table.subjects.values();
        waiting.map(watch::Sender::receiver_count).sum()
    }

    /// Returns whether waiting has ended.
    #[must_use]
    pub fn are_closed(&self) -> bool {
        self.table().closed
    }

    /// Wakes waiters, forever.
    pub async fn run(&self, db: &Database, feed: &dyn Feed) {
        let mut announced = feed.settled().await;
        let mut look = ticks(LOOK);
        loop {
            tokio::select! {
                Some(settled) = announced.next() => self.hear(db, &settled).await,
                () = look.tick() => self.look(db).await,
            }
        }
    }

    /// Documents, or versions of them, have settled; the database is queried only if somebody
    /// waits.
    async fn hear(&self, db: &Database, settled: &[Awaited]) {
        let whole = settled.iter().map(|awaited| match awaited {
            Awaited::Document(document) => Subject::Document(*document, None),
            Awaited::Operation(operation) => Subject::Operation(*operation),
        });
        self.wake(&whole.collect::<Vec<_>>());
        let versions: Vec<_> = {
            let table = self.table();
            let of = |document: DocumentId| {
                Subject::Document(document, None)..=Subject::Document(document, Some(u32::MAX))
            };
            let waited = settled.iter().filter_map(|awaited| match awaited {
                Awaited::Document(document) => Some(table.subjects.range(of(*document))),
                Awaited::Operation(_) => None,
            });
            waited.flatten().map(|(subject, _)| *subject).collect()
        };
        self.wake_settled(db, &versions).await;
    }

    async fn look(&self, db: &Database) {
        let waited: Vec<_> = self.table().subjects.keys().copied().collect();
        self.wake_settled(db, &waited).await;
    }

    /// Wakes waiters of subjects that have settled according to the database.
    async fn wake_settled(&self, db: &Database, waited: &[Subject]) {
        for batch in waited.chunks(BATCH) {
            match settled(db, batch).await {
                Ok(settled) => self.wake(&settled),
                Err(error) => {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "failed to poll for settled documents"
                    );
                }
            }
        }
    }

    fn wake(&self, subjects: &[Subject]) {
        let mut table = self.table();
        for subject in subjects {
            if let Some(sender) = table.subjects.remove(subject) {
                sender.send_replace(true);
            }
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns those of `subjects` that have settled, with one query for each kind.
async fn settled(db: &Database, subjects: &[Subject]) -> Result<Vec<Subject>, DbError> {
    let (mut documents, mut versions, mut operations) = (Vec::new(), Vec::new(), Vec::new());
    for subject in subjects {
        match subject {
            Subject::Document(document, None) => documents.push(*document),
            Subject::Document(document, Some(number)) => versions.push((*document, *number)),
            Subject::Operation(operation) => operations.push(*operation),
        }
    }
    let mut settled = Vec::new();
    if !documents.is_empty() {
        let found = find_settled(db, &documents).await?.into_iter();
        settled.extend(found.map(|document| Subject::Document(document, None)));
    }
    if !versions.is_empty() {
        let found = find_settled_versions(db, &versions).await?.into_iter();
        let subject = |(document, number)| Subject::Document(document, Some(number));
        settled.extend(found.map(subject));
    }
    if !operations.is_empty() {
        let found = find_ended(db, &operations).await?.into_iter();
        settled.extend(found.map(Subject::Operation));
    }
    Ok(settled)
}

impl Waiting {
    /// Waits until the subject may have left `pending`, or for `patience`.
    pub async fn settled(&mut self, patience: Duration) {
        // An error means that the sender was dropped after sending.
        let _ = tokio::time::timeout(patience, self.settled.wait_for(|settled| *settled)).await;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut table = self.waiters.table();
        // Our own receiver still counts; a later sender of the same subject starts a new count.
        let last = table
            .subjects
            .get(&self.subject)
            .is_some_and(|sender| sender.receiver_count() == 1 && !*self.settled.borrow());
        if last {
            table.subjects.remove(&self.subject);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use domain::{Timestamp, VersionStatus};

    use super::*;
    use crate::tests::app::App;
    use crate::waiting::settled_version;

    const LONG: Duration = Duration::from_mins(1);

    fn document() -> DocumentId {
        DocumentId::new(Timestamp::from_micros(0))
    }

    #[tokio::test]
    async fn everyone_who_waits_is_woken() {
        let (waiters, id) = (Waiters::default(), document());
        let mut waiting = [waiters.join(id), waiters.join(id)];
        waiters.wake(&[
            Subject::Document(document(), None),
            Subject::Document(id, None),
        ]);
        for waiting in &mut waiting {
            waiting.settled(LONG).await;
        }
        assert!(waiters.table().subjects.is_empty());
    }

    #[tokio::test]
    async fn a_waiter_gives_up_and_leaves_no_trace() {
        let waiters = Waiters::default();
        let mut waiting = [waiters.join(document()), waiters.join(document())];
        waiting[0].settled(Duration::from_millis(5)).await;
        drop(waiting);
        assert!(waiters.table().subjects.is_empty());
    }

    #[tokio::test]
    async fn one_who_leaves_does_not_take_the_others_along() {
        let (waiters, id) = (Waiters::default(), document());
        let (gone, mut stays) = (waiters.join(id), waiters.join(id));
        drop(gone);
        waiters.wake(&[Subject::Document(id, None)]);
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

    #[tokio::test]
    async fn thousands_who_wait_for_a_version_ask_together() {
        const WAITERS: usize = 3_000;
        let app = App::start().await;
        let alice = app.alice().await;
        let pending = alice.uploads("a.txt", "a").await.json();
        let id: DocumentId = pending["id"].as_str().unwrap().parse().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let mut db = app.service.db.clone();
        db.observe(move |_, _| {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        let waiters = Waiters::default();
        let waiting = (0..WAITERS).map(|_| {
            let (db, waiters) = (db.clone(), waiters.clone());
            tokio::spawn(async move { settled_version(&db, &waiters, (id, 1), LONG).await })
        });
        let waiting: Vec<_> = waiting.collect();
        while asked.load(Ordering::SeqCst) < WAITERS {
            tokio::task::yield_now().await;
        }
        // Each has looked once. From here on, all of them together ask once for each look, and
        // once for each word of another version of the document.
        for _ in 0..10 {
            waiters.look(&db).await;
            waiters.hear(&db, &[Awaited::Document(id)]).await;
        }
        assert_eq!(asked.load(Ordering::SeqCst), WAITERS + 20);
        assert!(waiting.iter().all(|waiting| !waiting.is_finished()));

        let failed =
            "UPDATE versions SET status = 'error', error_code = 'internal', settled_at = 1";
        sea_orm::ConnectionTrait::execute_unprepared(app.service.db.writer(), failed)
            .await
            .unwrap();
        waiters.hear(&db, &[Awaited::Document(id)]).await;
        for waiting in waiting {
            let (version, _) = waiting.await.unwrap().unwrap().unwrap();
            assert_eq!(version.status(), VersionStatus::Error);
        }
        assert_eq!(asked.load(Ordering::SeqCst), 2 * WAITERS + 21);
    }
}
