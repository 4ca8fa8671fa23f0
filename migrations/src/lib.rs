//! The schema, step by step, for PostgreSQL and SQLite; stands alone but for how names are folded.

mod dialect;
mod list;
mod lock;
mod m0012_fold_names;
mod sql_file;

pub use lock::{MigrationError, Pending, down, names, status, up, were_applied};
pub use sea_orm_migration::sea_orm::DatabaseConnection;
