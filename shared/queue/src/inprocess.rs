//! The feed of the embedded mode: a counter and a notification for each queue, within one process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use tokio::sync::{Notify, broadcast};
use tokio::time::timeout;

use super::{Awaited, Feed, FeedError, Hints, Listener, Queue, SettledStream};
use domain::JobId;

/// The announcements buffered for a slow listener before it loses some.
const SETTLED_BACKLOG: usize = 1024;

/// Creates a feed for `serve`, where API and workers share a process.
#[derive(Clone, Debug)]
pub struct InProcessFeed {
    bells: Arc<[Bell; 4]>,
    settled: broadcast::Sender<Vec<Awaited>>,
}

#[derive(Debug, Default)]
struct Bell {
    announced: AtomicUsize,
    rung: Notify,
}

impl Default for InProcessFeed {
    fn default() -> Self {
        Self {
            bells: Arc::default(),
            settled: broadcast::Sender::new(SETTLED_BACKLOG),
        }
    }
}

impl InProcessFeed {
    /// Adds hints of a queue.
    pub(super) fn ring(&self, queue: Queue, jobs: usize) {
        let bell = &self.bells[queue as usize];
        bell.announced.fetch_add(jobs, Ordering::AcqRel);
        bell.rung.notify_one();
    }

    /// Tells those who listen of what has settled. Having no listener is not an error.
    pub(super) fn tell(&self, settled: Vec<Awaited>) {
        let _ = self.settled.send(settled);
    }
}

#[async_trait]
impl Feed for InProcessFeed {
    async fn announce(&self, queue: Queue, jobs: &[JobId]) -> Result<(), FeedError> {
        self.ring(queue, jobs.len());
        Ok(())
    }

    async fn listen(&self, queue: Queue, _consumer: &str) -> Box<dyn Listener> {
        Box::new(InProcessListener {
            bells: Arc::clone(&self.bells),
            queue,
        })
    }

    async fn announce_settled(&self, settled: &[Awaited]) -> Result<(), FeedError> {
        self.tell(settled.to_vec());
        Ok(())
    }

    async fn settled(&self) -> SettledStream {
        let receiver = self.settled.subscribe();
        let stream = futures::stream::unfold(receiver, |mut receiver| async move {
            loop {
                match receiver.recv().await {
                    Ok(documents) => return Some((documents, receiver)),
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        });
        // The feed may be dropped while a listener waits; it then waits forever.
        stream.chain(futures::stream::pending()).boxed()
    }

    async fn check(&self) -> Result<(), FeedError> {
        Ok(())
    }
}

struct InProcessListener {
    bells: Arc<[Bell; 4]>,
    queue: Queue,
}

impl InProcessListener {
    fn hear(&self, most: usize) -> usize {
        let bell = &self.bells[self.queue as usize];
        let take = |announced: usize| Some(announced - announced.min(most));
        let before = bell
            .announced
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, take)
            .unwrap_or_default();
        if before > most {
            // Others wait for the same notification.
            bell.rung.notify_one();
        }
        before.min(most)
    }
}

#[async_trait]
impl Listener for InProcessListener {
    async fn next(&mut self, most: usize, patience: Duration) -> Hints {
        let heard = async {
            loop {
                let jobs = self.hear(most);
                if jobs > 0 {
                    return jobs;
                }
                self.bells[self.queue as usize].rung.notified().await;
            }
        };
        Hints {
            jobs: timeout(patience, heard).await.unwrap_or_default(),
            receipts: Vec::new(),
        }
    }

    async fn acknowledge(&mut self, _hints: Hints) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{DocumentId, Timestamp};

    #[tokio::test]
    async fn each_hint_is_heard_once() {
        let feed = InProcessFeed::default();
        let jobs = [(); 5].map(|()| JobId::new(Timestamp::from_micros(0)));
        feed.announce(Queue::Ingest, &jobs).await.unwrap();
        let mut one = feed.listen(Queue::Ingest, "one").await;
        let mut two = feed.listen(Queue::Ingest, "two").await;
        let patience = Duration::from_millis(1);
        assert_eq!(one.next(3, patience).await.jobs, 3);
        assert_eq!(two.next(3, patience).await.jobs, 2);
        assert_eq!(one.next(3, patience).await.jobs, 0);
        assert_eq!(
            feed.listen(Queue::Bulk, "one")
                .await
                .next(3, patience)
                .await
                .jobs,
            0
        );
    }

    #[tokio::test]
    async fn settled_documents_are_heard_by_all() {
        let feed = InProcessFeed::default();
        let (mut one, mut two) = (feed.settled().await, feed.settled().await);
        let document = Awaited::Document(DocumentId::new(Timestamp::from_micros(0)));
        feed.announce_settled(&[document]).await.unwrap();
        assert_eq!(one.next().await, Some(vec![document]));
        assert_eq!(two.next().await, Some(vec![document]));
    }
}
