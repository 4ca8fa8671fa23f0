//! Readers of feeds who wait for the next event. One watcher of the process asks for all of them:
//! while nothing happens, one small query a tick, however many wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use beat::until_next;
use domain::UserId;
use ledger::{Database, DbError, FeedPosition, feed_ends, newest_event};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};

use super::looks::Looks;

/// How often the newest event of all is asked for while somebody waits.
const LOOK: Duration = Duration::from_millis(250);
/// Owners of one query.
const BATCH: usize = 5_000;
/// The part of the time that queries may take is one of these.
const PART: u32 = 8;

/// The place that wakes everybody for good.
const CLOSED: FeedPosition = FeedPosition(i64::MAX);

/// Owners whose readers wait, with their newest known event.
#[derive(Clone, Debug, Default)]
pub struct EventWatch(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    table: Mutex<Table>,
    /// Told of each reader.
    joined: Notify,
}

#[derive(Debug, Default)]
struct Table {
    owners: HashMap<UserId, watch::Sender<FeedPosition>>,
    /// Set at shutdown.
    closed: bool,
}

/// A reader's registration, removed on drop.
#[derive(Debug)]
pub struct EventReader {
    owner: UserId,
    newest: watch::Receiver<FeedPosition>,
    readers: EventWatch,
}

impl EventWatch {
    /// Registers a reader. Register before reading the feed, so that no event is missed.
    #[must_use]
    pub fn join(&self, owner: UserId) -> EventReader {
        let mut table = self.table();
        let newest = if table.closed {
            watch::Sender::new(CLOSED).subscribe()
        } else {
            table.owners.entry(owner).or_default().subscribe()
        };
        drop(table);
        self.0.joined.notify_one();
        EventReader {
            owner,
            newest,
            readers: self.clone(),
        }
    }

    /// Ends all feeds that go on, so that they don't delay shutdown.
    pub fn close(&self) {
        let mut table = self.table();
        table.closed = true;
        for sender in std::mem::take(&mut table.owners).into_values() {
            sender.send_replace(CLOSED);
        }
    }

    /// Wakes readers, forever.
    pub async fn run(&self, db: &Database) {
        let mut looks = Looks::default();
        loop {
            sleep(until_next(LOOK)).await;
            let owners = self.owners();
            if owners.is_empty() {
                self.0.joined.notified().await;
                continue;
            }
            let begin = Instant::now();
            let looked = async {
                if looks.is_due(newest_event(db).await?) {
                    self.look(db, &owners).await?;
                }
                Ok::<_, DbError>(())
            };
            if let Err(error) = looked.await {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, "failed to look for new events");
            }
            // Many owners take long: no more than a part of the time is for them.
            sleep(begin.elapsed() * (PART - 1)).await;
        }
    }

    async fn look(&self, db: &Database, owners: &[UserId]) -> Result<(), DbError> {
        for batch in owners.chunks(BATCH) {
            let ends = feed_ends(db, batch).await?;
            let table = self.table();
            for (owner, newest) in ends {
                if let Some(sender) = table.owners.get(&owner) {
                    sender.send_if_modified(|known| {
                        let is_news = newest > *known;
                        *known = newest.max(*known);
                        is_news
                    });
                }
            }
        }
        Ok(())
    }

    fn owners(&self) -> Vec<UserId> {
        self.table().owners.keys().copied().collect()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventReader {
    /// Marks what is known as seen. Called before the feed is read.
    pub fn mark(&mut self) {
        self.newest.mark_unchanged();
    }

    /// Waits until there may be an event since the last mark, or reading has ended.
    pub async fn moved(&mut self) {
        // An error means that the sender was dropped: reading has ended.
        let _ = self.newest.changed().await;
    }

    /// Whether reading has ended, since the process stops.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        *self.newest.borrow() == CLOSED
    }
}

impl Drop for EventReader {
    fn drop(&mut self) {
        let mut table = self.readers.table();
        // Our own receiver still counts.
        let last = table
            .owners
            .get(&self.owner)
            .is_some_and(|sender| sender.receiver_count() <= 1);
        if last {
            table.owners.remove(&self.owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use domain::Timestamp;
    use futures::FutureExt;

    use super::*;
    use crate::tests::app::App;

    fn owner() -> UserId {
        UserId::new(Timestamp::from_micros(0))
    }

    #[tokio::test]
    async fn a_reader_leaves_no_trace() {
        let (readers, owner) = (EventWatch::default(), owner());
        let (first, second) = (readers.join(owner), readers.join(owner));
        drop(first);
        assert_eq!(readers.owners(), [owner]);
        drop(second);
        assert!(readers.owners().is_empty());
    }

    #[tokio::test]
    async fn nobody_holds_up_the_end() {
        let readers = EventWatch::default();
        let mut before = readers.join(owner());
        readers.close();
        before.moved().await;
        assert!(before.is_closed());
        let mut after = readers.join(owner());
        after.moved().await;
        assert!(after.is_closed());
    }

    #[tokio::test]
    async fn thousands_who_wait_are_woken_by_one_query() {
        const READERS: usize = 3_000;
        let app = App::start().await;
        let alice = app.alice().await;
        let document = alice.uploads("a.txt", "a").await.json();
        let id: UserId = document["owner"].as_str().unwrap().parse().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let mut db = app.service.db.clone();
        db.observe(move |_, _| {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        let readers = EventWatch::default();
        let mut waiting: Vec<_> = (0..READERS).map(|_| readers.join(id)).collect();
        // Others of whom nothing is known.
        let others: Vec<_> = (0..READERS).map(|_| readers.join(owner())).collect();
        let owners = readers.owners();
        assert_eq!(owners.len(), READERS + 1);
        readers.look(&db, &owners).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        for reader in &mut waiting {
            reader.moved().await;
            assert!(!reader.is_closed());
            reader.mark();
        }
        // Nothing has happened since: nobody is woken.
        readers.look(&db, &owners).await.unwrap();
        for reader in &mut waiting {
            assert!(reader.moved().now_or_never().is_none());
        }
        drop(others);
        assert_eq!(readers.owners(), [id]);
    }
}
