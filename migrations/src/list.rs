//! Every migration, oldest first.

use sea_orm_migration::{MigrationTrait, MigratorTrait, async_trait};

use crate::m0012_fold_names;
use crate::sql_file::SqlFile;

/// The list of migrations.
pub struct Migrator;

/// The migration in the two files of this name in `sql/`.
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
            // Users, keys, documents with their versions and blobs, jobs, events, and discards.
            sql!("m0001_create_ledger"),
            // Indexes for the filters of lists, and for pruning versions.
            sql!("m0002_index_lists"),
            // Requests with an idempotency key and their responses.
            sql!("m0003_remember_answers"),
            // Bulk operations and their items.
            sql!("m0004_keep_operations"),
            // Heartbeats of workers, and indexes for monitoring waiting and dead jobs.
            sql!("m0005_watch_work"),
            // Indexes for the cleanup and the audit, and the quarantine of orphaned bytes.
            sql!("m0006_clean_up"),
            // Responses that may be replaced by a later outcome.
            sql!("m0007_keep_answers_open"),
            // Indexes for lists of one media type or family.
            sql!("m0008_index_types"),
            // An index for parts of names, on PostgreSQL with pg_trgm.
            sql!("m0009_index_name_parts"),
            // A full-text index of names and metadata for SQLite, which lacks other indexes for
            // them.
            sql!("m0010_index_words"),
            // The text of metadata whose numbers `jsonb` would write differently.
            sql!("m0011_keep_number_spellings"),
            Box::new(m0012_fold_names::Migration),
            // The id of the ledger, and the places that carry its mark.
            sql!("m0013_know_places"),
            // Counters of bytes beside the quota, and grants for uploads in progress.
            sql!("m0014_charge_all_bytes"),
            // Identities of tokens, by issuer and subject, and disabled users.
            sql!("m0016_link_identities"),
            // The security log: refusals, changes by admins and operators, and deletions.
            sql!("m0017_keep_audit_log"),
            // The releases that are compatible with the schema, and a row for checking that the
            // database accepts writes.
            sql!("m0018_check_schema"),
            // Expiry of operations: when they are due, and what an owner keeps.
            sql!("m0022_expire_operations"),
            // Positions of the cleanup in the events.
            sql!("m0023_trim_events"),
            // An index for removing old failures.
            sql!("m0024_forget_failures"),
            // The users who are charged for discarded bytes until these are removed.
            sql!("m0025_charge_discards"),
            // The size of the undo data of operations.
            sql!("m0026_count_former_states"),
            // Users who are being removed.
            sql!("m0027_mark_removed_users"),
            // Room for small uploads beside their versions.
            sql!("m0028_keep_inline_bodies"),
            // Resumable uploads.
            sql!("m0030_keep_uploads"),
            // Tickets for uploads without a key, and what was uploaded by them.
            sql!("m0031_keep_tickets"),
            // Names, scopes and expiry of API keys.
            sql!("m0032_limit_keys"),
            // Moves of documents' bytes between places.
            sql!("m0035_move_objects"),
            // Events as one log of timelines and feeds, without references.
            sql!("m0036_tell_events"),
            // An index for joins that were interrupted.
            sql!("m0038_finish_joins"),
            // An index of discarded bytes by when they are to be removed.
            sql!("m0039_order_discards"),
            // Versions whose bytes clients write straight into the storage.
            sql!("m0040_upload_directly"),
            // Webhooks, their deliveries, and the queue that makes them.
            sql!("m0041_deliver_webhooks"),
            // Queues of which workers claim nothing.
            sql!("m0043_pause_queues"),
            // Public keys of signed receipts.
            sql!("m0044_keep_signing_keys"),
            // An index of pending deliveries by when they are due.
            sql!("m0045_count_deliveries"),
            // Users and keys that come of signing in with a provider.
            sql!("m0046_sign_in_with_provider"),
            // An index of running jobs by the end of their lease.
            sql!("m0047_find_due_jobs"),
            // Indexes of types and metadata without the documents that have none.
            sql!("m0049_index_known_types"),
        ]
    }
}
