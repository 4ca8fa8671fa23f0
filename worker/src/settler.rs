//! The one door through which outcomes become true: a group commit over the ledger.
//! Steps and acknowledgements call it; it never decides what an outcome is.

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, DocumentId};
use ledger::{
    self, Database, DbError, GroupCommit, GroupCommitError, GroupWriter, Outcome, Settled,
    Settlement,
};
use tokio::time::sleep;

use crate::circuits::{Circuits, Suspect};
use crate::herald::Herald;

/// The most outcomes in one transaction.
const GROUP: usize = 256;

/// How long a settlement that found the database away waits before each further try.
/// The lease is renewed meanwhile. After them it waits as long as the database is known to be
/// away; else the job is left to its lease.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// The door. It closes when every clone is gone and the last group is written.
#[derive(Clone, Debug)]
pub struct Settler {
    door: GroupCommit<OutcomeWriter>,
    circuits: Circuits,
}

impl Settler {
    /// Opens the door.
    pub fn start(db: Database, clock: Arc<dyn Clock>, herald: Herald, circuits: Circuits) -> Self {
        let writer = OutcomeWriter { db, clock, herald };
        Self {
            door: GroupCommit::start(writer, GROUP),
            circuits,
        }
    }

    /// Settles with what arrives at the same time, and returns once it is committed. Doing it
    /// again is safe: the claim it was done under is then over.
    pub async fn settle(&self, settlement: Settlement) -> Result<Settled, GroupCommitError> {
        for pause in PAUSES {
            match self.door.submit(settlement.clone()).await {
                Err(error) if may_pass(&error) => sleep(pause).await,
                answer => return answer,
            }
        }
        loop {
            match self.door.submit(settlement.clone()).await {
                Err(error)
                    if may_pass(&error) && self.circuits.confirm(Suspect::Database).await =>
                {
                    self.circuits.database_is_back().await;
                }
                answer => return answer,
            }
        }
    }
}

/// Another try finds out what became of the one before.
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
    herald: Herald,
}

impl GroupWriter for OutcomeWriter {
    type Item = Settlement;
    type Answer = Settled;

    async fn write(&self, items: &[Settlement]) -> Result<Vec<Settled>, DbError> {
        let answers = ledger::settle(&self.db, items, self.clock.now()).await?;
        let settled = items.iter().zip(&answers).filter_map(settled_document);
        self.herald.documents_settled(settled);
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
