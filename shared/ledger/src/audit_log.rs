//! The security log. Rows about a change are written by its transaction; those about refusals and
//! reads later, many by one statement.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::readable::find_readable;
use super::tables::audit_log::{self, Column};
use super::{Commit, Database, DatabaseTransaction, DbError};
use domain::{AuditEntry, AuditId, AuditKind, Timestamp};

/// A row of the log as admins read it.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRow {
    /// Its id.
    pub id: AuditId,
    /// When; of several the first.
    pub at: Timestamp,
    /// What. A later release may have written kinds that this one doesn't know.
    pub kind: String,
    /// Who: the id of a user, or a word.
    pub actor: Option<String>,
    /// To what or whom.
    pub subject: Option<String>,
    /// From which address or network.
    pub address: Option<String>,
    /// By which request; of several the first.
    pub request_id: Option<String>,
    /// The rest of it, with how often if it is counted.
    pub detail: serde_json::Value,
}

/// Selects rows of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Those of this kind.
    pub kind: Option<AuditKind>,
    /// Those of this actor.
    pub actor: Option<String>,
    /// Those of this subject.
    pub subject: Option<String>,
    /// Those that are later.
    pub after: Option<Timestamp>,
    /// Those that are earlier.
    pub before: Option<Timestamp>,
}

/// A page of the log.
#[derive(Clone, Copy, Debug)]
pub struct AuditPage {
    /// The last row of the page before.
    pub below: Option<AuditId>,
    /// The most rows.
    pub limit: u32,
}

/// Writes entries, each with another id. An entry that exists is counted instead.
pub async fn write_audit_log(
    connection: &impl ConnectionTrait,
    entries: &[AuditEntry],
) -> Result<(), DbError> {
    if entries.is_empty() {
        return Ok(());
    }
    audit_log::upsert(connection, entries).await
}

/// A change that its own transaction writes into the security log. Once committed, it is logged by
/// the process too.
#[derive(Clone, Debug)]
pub struct Audited<C, F> {
    /// How the change is made.
    pub on: C,
    /// What is written of it.
    pub entries: F,
}

impl<T, C, F> Commit<T> for Audited<C, F>
where
    T: Sync,
    C: Commit<T>,
    F: Fn(&T) -> Vec<AuditEntry> + Sync,
{
    fn database(&self) -> &Database {
        self.on.database()
    }

    async fn commit(&self, transaction: DatabaseTransaction, made: &T) -> Result<(), DbError> {
        let entries = (self.entries)(made);
        write_audit_log(&transaction, &entries).await?;
        self.on.commit(transaction, made).await?;
        entries.iter().for_each(AuditEntry::log);
        Ok(())
    }
}

/// A page of the log, newest first.
pub async fn list_audit_log(
    db: &Database,
    filter: &AuditFilter,
    page: AuditPage,
) -> Result<Vec<AuditRow>, DbError> {
    let mut select = audit_log::Entity::find();
    if let Some(below) = page.below {
        select = select.filter(Column::Id.lt(below.0));
    }
    if let Some(kind) = filter.kind {
        select = select.filter(Column::Kind.eq(kind.as_str()));
    }
    if let Some(actor) = &filter.actor {
        select = select.filter(Column::Actor.eq(actor.as_str()));
    }
    if let Some(subject) = &filter.subject {
        select = select.filter(Column::Subject.eq(subject.as_str()));
    }
    if let Some(after) = filter.after {
        select = select
            .filter(Column::Id.gte(AuditId::lowest_at(after).0))
            .filter(Column::At.gt(after.as_micros()));
    }
    if let Some(before) = filter.before {
        // Ids begin with milliseconds: those of the last one are looked at.
        let above = before.plus(std::time::Duration::from_mins(1));
        select = select
            .filter(Column::Id.lt(AuditId::lowest_at(above).0))
            .filter(Column::At.lt(before.as_micros()));
    }
    let select = select
        .order_by_desc(Column::Id)
        .limit(u64::from(page.limit));
    let rows = find_readable(db.reader(), select).await?;
    Ok(rows.into_iter().map(AuditRow::from).collect())
}

impl From<audit_log::Model> for AuditRow {
    fn from(row: audit_log::Model) -> Self {
        let mut detail = row.detail;
        if row.kind.parse().is_ok_and(AuditEntry::is_counted)
            && let Some(detail) = detail.as_object_mut()
        {
            detail.insert("count".to_owned(), row.count.into());
        }
        Self {
            id: AuditId(row.id),
            at: Timestamp::from_micros(row.at),
            kind: row.kind,
            actor: row.actor,
            subject: row.subject,
            address: row.address,
            request_id: row.request_id,
            detail,
        }
    }
}

/// Forgets at most `limit` rows that are older than `before`. Returns how many were forgotten.
pub async fn forget_audit_log(
    db: &Database,
    before: Timestamp,
    limit: u32,
) -> Result<u64, DbError> {
    audit_log::delete_older(db.writer(), before, limit).await
}
