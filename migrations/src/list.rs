//! Every migration, oldest first.

use sea_orm_migration::{MigrationTrait, MigratorTrait, async_trait};

use crate::m0012_fold_names;
use crate::sql_file::SqlFile;

/// The list of migrations.
pub struct Migrator;

/// The migration whose statements are in the two files of this name below `sql/`.
macro_rules! sql {
    ($name:literal) => {
        Box::new(SqlFile {
            name: $name,
            up: include_str!(concat!("../sql/", $name, ".up.sql")),
            down: include_str!(concat!("../sql/", $name, ".down.sql")),
        })
    };
}

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            // Users, keys, documents with their versions and blobs, jobs, events, and what is to
            // be removed.
            sql!("m0001_create_ledger"),
            // Indexes for what lists filter by, and for the pruning of versions.
            sql!("m0002_index_lists"),
            // Requests with an idempotency key and their answers.
            sql!("m0003_remember_answers"),
            // Bulk operations and their items.
            sql!("m0004_keep_operations"),
            // Workers that are alive, and indexes by which waiting and dead jobs are watched.
            sql!("m0005_watch_work"),
            // What the cleanup and the audit look for, and where left-behind bytes wait for their
            // end.
            sql!("m0006_clean_up"),
            // Answers of requests whose processes may still find better ones.
            sql!("m0007_keep_answers_open"),
            // Indexes for those who list documents of one type, or of one family.
            sql!("m0008_index_types"),
            // An index for those who look for a part of a name, where the database has one to
            // offer.
            sql!("m0009_index_name_parts"),
            // An index of the words of names and metadata for SQLite, which has none of its own
            // for them.
            sql!("m0010_index_words"),
            // A place for metadata whose numbers `jsonb` would write in another way.
            sql!("m0011_keep_number_spellings"),
            Box::new(m0012_fold_names::Migration),
            // Whose ledger this is, and which places carry its mark.
            sql!("m0013_know_places"),
            // Counters of what users cause to lie on disk beside their quota, and grants for what
            // is still on its way.
            sql!("m0014_charge_all_bytes"),
            // Whom tokens speak of, by issuer and subject; and users who may do nothing for now.
            sql!("m0016_link_identities"),
            // The security log: what was refused, what admins and operators did, what was deleted.
            sql!("m0017_keep_audit_log"),
            // What releases can work with the schema, and a row by which it is found out whether
            // one can write.
            sql!("m0018_check_schema"),
            // Room to expire operations: what is due, and what an owner keeps.
            sql!("m0022_expire_operations"),
            // Where the cleanup of events stands.
            sql!("m0023_trim_events"),
            // Room to forget failures: which are due.
            sql!("m0024_forget_failures"),
            // Who let go of bytes that wait to be removed, and what they are charged for them.
            sql!("m0025_charge_discards"),
            // How much the items of operations keep of what documents were.
            sql!("m0026_count_former_states"),
            // Users whose removal has begun.
            sql!("m0027_mark_removed_users"),
        ]
    }
}
