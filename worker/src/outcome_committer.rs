//! Commits the outcomes of attempts in groups. Steps and acknowledgements call it; it never decides
//! what an outcome is.

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, DocumentId};
use ledger::{
    self, Database, DbError, GroupCommit, GroupCommitError, GroupWriter, Outcome, Settled,
    Settlement,
};
use tokio::time::sleep;

use crate::circuits::{Circuits, Outage};
use crate::notifier::Notifier;

/// The most outcomes in one transaction.
const GROUP: usize = 256;

/// The pauses between tries of a commit while the database is down. The lease is renewed meanwhile.
/// After them the commit waits as long as the database circuit is open; otherwise the job is left
/// to its lease.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// A handle to the group commit. It closes when every clone is dropped and the last group is
/// written.
#[derive(Clone, Debug)]
pub struct OutcomeCommitter {
    door: GroupCommit<OutcomeWriter>,
    circuits: Circuits,
}

impl OutcomeCommitter {
    /// Starts the group commit.
    pub fn start(
        db: Database,
        clock: Arc<dyn Clock>,
        notifier: Notifier,
        circuits: Circuits,
    ) -> Self {
        let writer = OutcomeWriter {
            db,
            clock,
            notifier,
        };
        Self {
            door: GroupCommit::start(writer, GROUP),
            circuits,
        }
    }

    /// Commits a settlement together with those that arrive at the same time, and returns once it
    /// is committed. Safe to repeat: the claim has then ended.
    pub async fn commit(&self, settlement: Settlement) -> Result<Settled, GroupCommitError> {
        for pause in PAUSES {
            match self.door.submit(settlement.clone()).await {
                Err(error) if may_pass(&error) => sleep(pause).await,
                answer => return answer,
            }
        }
        loop {
            match self.door.submit(settlement.clone()).await {
                Err(error) if may_pass(&error) && self.circuits.confirm(Outage::Database).await => {
                    self.circuits.database_is_back().await;
                }
                answer => return answer,
            }
        }
    }
}

/// Returns whether another try may succeed; it also finds out what became of the one before.
fn may_pass(error: &GroupCommitError) -> bool {
    match error {
        GroupCommitError::Failed(error) => error.will_pass(),
        GroupCommitError::Panicked => true,
        GroupCommitError::Closed => false,
    }
}

struct OutcomeWriter {
    db: Database,
    clock: Arc<dyn Clock>,
    notifier: Notifier,
}

impl GroupWriter for OutcomeWriter {
    type Item = Settlement;
    type Answer = Settled;

    async fn write(&self, items: &[Settlement]) -> Result<Vec<Settled>, DbError> {
        let answers = ledger::settle(&self.db, items, self.clock.now()).await?;
        let settled = items.iter().zip(&answers).filter_map(settled_document);
        self.notifier.documents_settled(settled);
        Ok(answers)
    }
}

fn settled_document((item, answer): (&Settlement, &Settled)) -> Option<DocumentId> {
    let ended = matches!(item.outcome, Outcome::Activated(_) | Outcome::Failed { .. });
    let committed = matches!(answer, Settled::Committed { .. });
    item.work
        .as_ref()
        .filter(|_| ended && committed)
        .map(|work| work.document)
}
