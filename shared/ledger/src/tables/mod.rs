//! A room for every table: its rows as SeaORM sees them, every statement that writes
//! it, how its rows are read, and which search each of its indexes is for.
//!
//! Rules and transactions are the callers': these rooms decide nothing.

pub mod api_keys;
pub mod discards;
pub mod documents;
pub mod operation_items;
pub mod operations;
pub mod users;
pub mod versions;
