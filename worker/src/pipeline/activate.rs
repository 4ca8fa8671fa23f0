//! The step that activates the version: the commit point.
//!
//! - *does*: in one transaction guarded by the fence, activates version and document, adds a
//!   reference to the blob, turns the reservation into use, writes the event and ends the job.
//! - *safe to repeat because* the job has then ended: a second settlement changes nothing.
//! - *if it dies here*, all of it is committed or nothing; if nothing, the lease expires and the
//!   job runs again.
//! - *on failure* of the database it is retried; after a lost lease the result is void and nothing
//!   may be removed.

use ledger::{Outcome, Settled};
use url::Url;

use super::store::InStore;
use crate::attempt_error::AttemptError;
use crate::outcome_committer::OutcomeCommitter;
use crate::work::Work;

/// An activated version.
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
