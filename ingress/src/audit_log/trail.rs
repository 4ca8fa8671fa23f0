//! Counts refusals and reads of other users' data, and writes them in batches: no request waits for
//! it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use beat::ticks;
use domain::{AuditEvent, AuditOrigin, Clock, DocumentId};
use ledger::{Database, write_audit_log};

use super::counts::{Counted, Counts};

/// The write interval.
const FLUSH: Duration = Duration::from_secs(1);

/// Unwritten entries, shared by all requests.
#[derive(Clone, Debug)]
pub struct AuditTrail {
    clock: Arc<dyn Clock>,
    counts: Arc<Mutex<Counts>>,
}

impl AuditTrail {
    /// Creates an empty one.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            counts: Arc::default(),
        }
    }

    /// Returns its clock.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Counts an event, with its document if any.
    pub(crate) fn count(
        &self,
        origin: AuditOrigin,
        event: AuditEvent,
        document: Option<DocumentId>,
    ) {
        let now = self.clock.now();
        self.counts().count(origin, event, document, now);
    }

    /// Writes counted entries periodically, forever.
    pub async fn run(&self, db: &Database) {
        let mut ticks = ticks(FLUSH);
        loop {
            ticks.tick().await;
            self.flush(db).await;
        }
    }

    /// Writes counted entries; keeps them if the database fails.
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
