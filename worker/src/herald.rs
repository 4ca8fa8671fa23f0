//! Tells the feed of settled documents, beside the road of an outcome: a feed that is
//! slow or gone holds up nobody, and a word that is lost costs whoever waits a moment.

use std::sync::Arc;

use shared::domain::DocumentId;
use shared::queue::Feed;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::warn;

/// Groups that may wait for a slow feed before words are dropped.
const BACKLOG: usize = 256;

/// The door to the herald. It ends when every clone is gone and the last word is out.
#[derive(Clone, Debug)]
pub struct Herald {
    settled: mpsc::Sender<Vec<DocumentId>>,
}

impl Herald {
    /// Starts it.
    pub fn start(feed: Arc<dyn Feed>) -> (Self, JoinHandle<()>) {
        let (settled, waiting) = mpsc::channel(BACKLOG);
        (Self { settled }, tokio::spawn(announce(feed, waiting)))
    }

    /// Announces documents that left `pending`, soon.
    pub fn announce(&self, documents: Vec<DocumentId>) {
        if !documents.is_empty() {
            // With a full backlog whoever waits finds out from the database.
            let _ = self.settled.try_send(documents);
        }
    }
}

async fn announce(feed: Arc<dyn Feed>, mut waiting: mpsc::Receiver<Vec<DocumentId>>) {
    let mut groups = Vec::new();
    while waiting.recv_many(&mut groups, BACKLOG).await > 0 {
        let documents: Vec<_> = groups.drain(..).flatten().collect();
        if let Err(error) = feed.announce_settled(&documents).await {
            warn!(
                error = &error as &dyn std::error::Error,
                documents = documents.len(),
                "settled documents were not announced"
            );
        }
    }
}
