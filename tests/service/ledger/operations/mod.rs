//! Bulk operations in the ledger.

mod chunks;
pub mod given_up;
mod parts;
mod undo;
