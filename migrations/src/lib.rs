//! The schema, step by step, for PostgreSQL and SQLite; stands alone but for how names are folded.

mod dialect;
mod lock;
mod m0001_create_ledger;
mod m0002_index_lists;
mod m0003_remember_answers;
mod m0004_keep_operations;
mod m0005_watch_work;
mod m0006_clean_up;
mod m0007_keep_answers_open;
mod m0008_index_types;
mod m0009_index_name_parts;
mod m0010_index_words;
mod m0011_keep_number_spellings;
mod m0012_fold_names;
mod m0013_know_places;
mod m0014_charge_all_bytes;
mod m0016_link_identities;
mod m0017_keep_audit_log;
mod m0018_check_schema;
mod m0022_expire_operations;
mod m0023_trim_events;
mod m0024_forget_failures;

pub use lock::{MigrationError, Pending, down, names, status, up};
pub use sea_orm_migration::sea_orm::DatabaseConnection;

use sea_orm_migration::{MigrationTrait, MigratorTrait, async_trait};

/// Every migration, oldest first.
struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_create_ledger::Migration),
            Box::new(m0002_index_lists::Migration),
            Box::new(m0003_remember_answers::Migration),
            Box::new(m0004_keep_operations::Migration),
            Box::new(m0005_watch_work::Migration),
            Box::new(m0006_clean_up::Migration),
            Box::new(m0007_keep_answers_open::Migration),
            Box::new(m0008_index_types::Migration),
            Box::new(m0009_index_name_parts::Migration),
            Box::new(m0010_index_words::Migration),
            Box::new(m0011_keep_number_spellings::Migration),
            Box::new(m0012_fold_names::Migration),
            Box::new(m0013_know_places::Migration),
            Box::new(m0014_charge_all_bytes::Migration),
            Box::new(m0016_link_identities::Migration),
            Box::new(m0017_keep_audit_log::Migration),
            Box::new(m0018_check_schema::Migration),
            Box::new(m0022_expire_operations::Migration),
            Box::new(m0023_trim_events::Migration),
            Box::new(m0024_forget_failures::Migration),
        ]
    }
}
