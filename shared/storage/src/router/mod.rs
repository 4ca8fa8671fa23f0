//! The router between places: connects to them, routes reads and writes, and copies between them.

mod connect;
mod copy;
mod moving;
mod routing;

pub use moving::FindMoved;
pub use routing::{Staged, StorageRouter, Taken};
pub(crate) use routing::{Tally, of_storage};
