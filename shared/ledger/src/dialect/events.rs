//! How events are numbered in the order of commit, and how they keep the shape of what they tell of.

use super::Dialect;

impl Dialect {
    /// What a statement that inserts the events `rows` (a FROM item called `x`) begins with, and the
    /// FROM item of the same rows to insert.
    ///
    /// On PostgreSQL it locks the events' owners before any of them gets its number, and holds them
    /// until the transaction ends. So of two transactions with events of one owner, one gets its
    /// numbers after the other has committed. SQLite has one writer.
    pub fn numbered_events(self, rows: &str) -> (String, String) {
        match self {
            Self::Postgres => (
                format!(
                    "WITH added AS (SELECT * FROM {rows}), \
                     held AS (SELECT users.id FROM users \
                     WHERE users.id = ANY (ARRAY(SELECT added.owner_id FROM added WHERE added.type IS NOT NULL)) \
                     ORDER BY users.id FOR NO KEY UPDATE) "
                ),
                "added AS x WHERE (SELECT count(*) FROM held) >= 0".to_owned(),
            ),
            Self::Sqlite => (String::new(), rows.to_owned()),
        }
    }

    /// The state of a row of `documents`, as events keep it: a JSON array without names, in the
    /// order of `EventDocument`.
    pub const fn document_shape(self) -> &'static str {
        match self {
            Self::Postgres => {
                "json_build_array(documents.name, documents.status, documents.declared_type, \
                 documents.mime_type, documents.type_mismatch::integer, documents.size_bytes, \
                 documents.sha256, documents.version, documents.latest_version, documents.unique_name, \
                 documents.is_public::integer, documents.error_code, documents.error_detail, \
                 documents.revision, documents.created_at, documents.updated_at, documents.archived_at, \
                 (CASE WHEN documents.metadata_text::jsonb = documents.metadata \
                 THEN documents.metadata_text ELSE documents.metadata::text END)::json)::text"
            }
            Self::Sqlite => {
                "json_array(documents.name, documents.status, documents.declared_type, \
                 documents.mime_type, documents.type_mismatch, documents.size_bytes, \
                 documents.sha256, documents.version, documents.latest_version, documents.unique_name, \
                 documents.is_public, documents.error_code, documents.error_detail, \
                 documents.revision, documents.created_at, documents.updated_at, documents.archived_at, \
                 json(CASE WHEN json_valid(documents.metadata) THEN documents.metadata ELSE 'null' END))"
            }
        }
    }

    /// The state of a row of `operations`, likewise, in the order of `EventOperation`.
    pub const fn operation_shape(self) -> &'static str {
        match self {
            Self::Postgres => {
                "json_build_array(operations.action, operations.status, operations.dry_run::integer, \
                 operations.total, operations.succeeded, operations.failed, operations.skipped, \
                 operations.error_code, operations.error_detail, operations.created_at, \
                 operations.started_at, operations.finished_at)::text"
            }
            Self::Sqlite => {
                "json_array(operations.action, operations.status, operations.dry_run, \
                 operations.total, operations.succeeded, operations.failed, operations.skipped, \
                 operations.error_code, operations.error_detail, operations.created_at, \
                 operations.started_at, operations.finished_at)"
            }
        }
    }
}
