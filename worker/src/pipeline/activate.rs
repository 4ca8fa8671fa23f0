//! The step that makes the version active: the commit point.
//!
//! - *does*: in one transaction, guarded by the fence, makes version and document active, gives
//!   the blob a reference, turns the reservation into use, writes the event, ends the job.
//! - *safe to repeat because* the job is over then: a second settlement changes nothing.
//! - *if it dies here*, either all of it has happened or nothing; then the lease runs out and the
//!   job begins anew.
//! - *on failure* of the database it is tried again; with a lost lease nothing counts, and nothing
//!   may be removed.

use ledger::{Outcome, Settled};
use url::Url;

use super::store::InStore;
use crate::attempt_error::AttemptError;
use crate::outcome_committer::OutcomeCommitter;
use crate::work::Work;

/// A version that is active.
#[derive(Debug)]
pub struct Activated {
    /// Bytes that no row refers to any more.
    pub removable: Vec<Url>,
}

/// Commits the activation.
pub async fn activate(
    InStore(activation): InStore,
    work: &Work,
    committer: &OutcomeCommitter,
) -> Result<Activated, AttemptError> {
    let settlement = work.settlement(Outcome::Activated(activation));
    match committer.commit(settlement).await? {
        Settled::Committed { removable } => Ok(Activated { removable }),
        Settled::LeaseLost => Err(AttemptError::LeaseLost),
    }
}
