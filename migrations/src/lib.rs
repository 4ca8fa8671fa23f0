//! The schema, as migrations for PostgreSQL and SQLite. Depends only on `casefold`.

mod dialect;
mod list;
mod lock;
mod m0012_fold_names;
mod sql_file;

pub use lock::{MigrationError, Pending, down, names, status, up, were_applied};
pub use sea_orm_migration::sea_orm::DatabaseConnection;
