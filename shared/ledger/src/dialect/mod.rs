//! Where PostgreSQL and SQLite differ: no other file of the ledger names one of the two.

mod capabilities;
mod claims;
mod events;
mod json;
mod locks;
#[cfg(feature = "test-support")]
mod plans;
mod rows;
mod text;

pub use self::capabilities::Dialect;
pub use self::rows::{Columns, Kind};
