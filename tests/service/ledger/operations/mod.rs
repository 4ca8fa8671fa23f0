//! Bulk operations in the ledger.

mod calls;
mod chunks;
pub mod given_up;
mod outcomes;
mod parts;
mod undo;
