//! The table `audit_log`: the security log, which outlives the users it speaks of.
//!
//! - The primary key pages the log, since ids begin with the time, and finds what is too old.
//! - `audit_log_by_kind`, `audit_log_by_actor` and `audit_log_by_subject` page it by one of them.

use sea_orm::entity::prelude::*;
use serde::Serialize;

use crate::DbError;
use crate::batch::{Columns, Kind, execute, parameter};
use crate::dialect::Dialect;
use domain::{AuditEntry, AuditId, Timestamp};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_log")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub at: i64,
    pub kind: String,
    pub actor: Option<String>,
    pub subject: Option<String>,
    pub address: Option<String>,
    pub request_id: Option<String>,
    pub count: i64,
    pub detail: Json,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Once a row names so many documents, no more are added to it; they are counted all the same.
const MOST_NAMED: u32 = 100;

const COLUMNS: &Columns = &[
    ("id", Kind::Uuid),
    ("at", Kind::Integer),
    ("kind", Kind::Text),
    ("actor", Kind::Text),
    ("subject", Kind::Text),
    ("address", Kind::Text),
    ("request_id", Kind::Text),
    ("count", Kind::Integer),
    ("detail", Kind::Json),
];

#[derive(Serialize)]
struct NewRow<'a> {
    id: Uuid,
    at: i64,
    kind: &'static str,
    actor: Option<String>,
    subject: Option<&'a str>,
    address: Option<&'a str>,
    request_id: Option<&'a str>,
    count: u64,
    detail: &'a serde_json::Map<String, serde_json::Value>,
}

impl<'a> From<&'a AuditEntry> for NewRow<'a> {
    fn from(entry: &'a AuditEntry) -> Self {
        Self {
            id: entry.id.0,
            at: entry.at.as_micros(),
            kind: entry.event.kind.as_str(),
            actor: entry.origin.actor.text(),
            subject: entry.event.subject.as_deref(),
            address: entry.origin.address.as_deref(),
            request_id: entry.origin.request_id.as_deref(),
            count: entry.count,
            detail: &entry.event.detail,
        }
    }
}

/// Inserts entries, each of another id. Of one that is there already, count and documents are added.
pub async fn upsert(
    connection: &impl ConnectionTrait,
    entries: &[AuditEntry],
) -> Result<(), DbError> {
    let dialect = Dialect::of(connection);
    let sql = format!(
        "INSERT INTO audit_log (id, at, kind, actor, subject, address, request_id, count, detail) \
         SELECT x.id, x.at, x.kind, x.actor, x.subject, x.address, x.request_id, x.count, x.detail \
         FROM {} WHERE true ON CONFLICT (id) DO UPDATE SET count = audit_log.count + excluded.count, \
         detail = CASE WHEN {} < {MOST_NAMED} THEN {} ELSE audit_log.detail END",
        dialect.rows(COLUMNS),
        dialect.array_length("audit_log.detail", "document_ids"),
        dialect.with_joined_array("audit_log.detail", "excluded.detail", "document_ids")
    );
    let rows: Vec<_> = entries.iter().map(NewRow::from).collect();
    execute(connection, sql, [parameter(&rows)?]).await?;
    Ok(())
}

/// Deletes at most `limit` rows that are older than `before`. Returns how many were deleted.
pub async fn delete_older(
    connection: &impl ConnectionTrait,
    before: Timestamp,
    limit: u32,
) -> Result<u64, DbError> {
    let sql = "DELETE FROM audit_log WHERE id IN \
         (SELECT id FROM audit_log WHERE id < $1 ORDER BY id LIMIT $2)";
    let values = [AuditId::lowest_at(before).0.into(), i64::from(limit).into()];
    execute(connection, sql, values).await
}
