//! Counts refusals and reads of what is another user's, and writes them a moment later, by one
//! statement for all: no request waits for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{AuditEvent, AuditOrigin, Clock, DocumentId};
use ledger::{Database, write_audit_log};
use tokio::time::MissedTickBehavior;

use super::counts::{Counted, Counts};

/// How long what was counted waits to be written.
const FLUSH: Duration = Duration::from_secs(1);

/// What waits to be written, shared by all requests.
#[derive(Clone, Debug)]
pub struct AuditTrail {
    clock: Arc<dyn Clock>,
    counts: Arc<Mutex<Counts>>,
}

impl AuditTrail {
    /// An empty one.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            counts: Arc::default(),
        }
    }

    /// Where its time comes from.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Counts something that happened now, to `document` if it was one.
    pub(crate) fn count(
        &self,
        origin: AuditOrigin,
        event: AuditEvent,
        document: Option<DocumentId>,
    ) {
        let now = self.clock.now();
        self.counts().count(origin, event, document, now);
    }

    /// Writes what was counted, for as long as it is polled.
    pub async fn run(&self, db: &Database) {
        let mut ticks = tokio::time::interval(FLUSH);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.flush(db).await;
        }
    }

    /// Writes what was counted. What the database doesn't take now waits on.
    pub async fn flush(&self, db: &Database) {
        let waiting = std::mem::take(&mut self.counts().waiting);
        let entries: Vec<_> = waiting.values().map(Counted::entry).collect();
        for (counted, entry) in waiting.values().zip(&entries) {
            if !counted.is_told {
                entry.log();
            }
        }
        if let Err(error) = write_audit_log(db.writer(), &entries).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "could not write the security log; retrying");
            self.counts().put_back(waiting);
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
