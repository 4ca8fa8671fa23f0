//! Whose bytes are whose: a ledger and its places know each other by an installation id. Asked at
//! the start of a process, by readiness, and before anything is destroyed.

mod guard;
mod standing;

pub use guard::Ownership;
pub use standing::{OwnershipError, Standing};
