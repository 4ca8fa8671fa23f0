//! The step that removes what is not needed any more.
//!
//! - *does*: hands staged bytes that are not needed to the remover.
//! - *safe to repeat because* removing what is gone is a success.
//! - *if it dies here*, the transaction has written the bytes down as discarded: a scheduled job
//!   removes them.
//! - *on failure* the same.

use super::activate::Activated;
use crate::remover::Remover;

/// Discards what the activation left over.
pub fn discard(activated: Activated, remover: &Remover) {
    remover.remove(activated.removable);
}
