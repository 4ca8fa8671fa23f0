//! The step that removes bytes that are no longer needed.
//!
//! - *does*: passes unneeded staged bytes to the remover.
//! - *safe to repeat because* removing a missing object succeeds.
//! - *if it dies here*, the transaction has listed the bytes as discarded; a scheduled job removes
//!   them.
//! - *on failure*, the same.

use super::activate::Activated;
use crate::remover::Remover;

/// Removes what the activation left over.
pub fn discard(activated: Activated, remover: &Remover) {
    remover.remove(activated.removable);
}
