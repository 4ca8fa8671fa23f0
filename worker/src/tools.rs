//! What jobs work with: the doors that every handler may use, gathered once per process.

use std::sync::Arc;

use domain::{Clock, Limits, Retention};
use ledger::Database;
use storage::Places;
use tokio::sync::Semaphore;

use crate::circuits::Circuits;
use crate::clearance::Clearance;
use crate::herald::Herald;
use crate::remover::Remover;
use crate::settler::Settler;

/// The doors of a worker process.
#[derive(Clone, Debug)]
pub struct Tools {
    /// The ledger.
    pub db: Database,
    /// The bytes.
    pub places: Places,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What the operator allows.
    pub limits: Arc<Limits>,
    /// How long things are kept.
    pub retention: Retention,
    /// What is known to be away.
    pub circuits: Circuits,
    /// Whether bytes may be destroyed.
    pub clearance: Clearance,
    /// Where outcomes become true.
    pub settler: Settler,
    /// Where bytes without a row go.
    pub remover: Remover,
    /// How many directories of archives may be read at once: all of one is in memory.
    pub directories: Arc<Semaphore>,
    /// Where word of new jobs and ended operations goes.
    pub herald: Herald,
}

/// Directories that a process reads at once.
pub const DIRECTORIES: usize = 2;
