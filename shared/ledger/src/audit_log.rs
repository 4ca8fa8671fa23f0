//! The rows of the security log. Those that come with a change are written by its transaction;
//! those of refusals and reads later, many by one statement.

use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde::Serialize;
use uuid::Uuid;

use super::batch::{Columns, Kind, execute, parameter, query};
use super::dialect::Dialect;
use super::readable::readable;
use super::{Commit, Database, DatabaseTransaction, DbError};
use domain::{AuditEntry, AuditId, AuditKind, Timestamp};

/// Once a row names so many documents, no more are added to it; they are counted all the same.
const MOST_NAMED: u32 = 100;

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

/// Which rows are asked for, newest first.
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

const ROWS: &Columns = &[
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

/// Writes entries, each of another id; those that are there already are counted.
pub async fn write_audit_log(
    connection: &impl ConnectionTrait,
    entries: &[AuditEntry],
) -> Result<(), DbError> {
    if entries.is_empty() {
        return Ok(());
    }
    let dialect = Dialect::of(connection);
    let sql = format!(
        "INSERT INTO audit_log (id, at, kind, actor, subject, address, request_id, count, detail) \
         SELECT x.id, x.at, x.kind, x.actor, x.subject, x.address, x.request_id, x.count, x.detail \
         FROM {} WHERE true ON CONFLICT (id) DO UPDATE SET count = audit_log.count + excluded.count, \
         detail = CASE WHEN {} < {MOST_NAMED} THEN {} ELSE audit_log.detail END",
        dialect.rows(ROWS),
        dialect.array_length("audit_log.detail", "document_ids"),
        dialect.with_joined_array("audit_log.detail", "excluded.detail", "document_ids")
    );
    let list: Vec<_> = entries.iter().map(NewRow::from).collect();
    execute(connection, sql, [parameter(&list)?]).await?;
    Ok(())
}

/// A change that is written into the log by its own transaction, and told to the log of the
/// process once it is made.
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
    let mut values: Vec<Value> = Vec::new();
    let mut conditions = Vec::new();
    let mut condition = |column: &str, compared: &str, value: Value| {
        values.push(value);
        conditions.push(format!("{column} {compared} ${}", values.len()));
    };
    if let Some(below) = page.below {
        condition("id", "<", below.0.into());
    }
    if let Some(kind) = filter.kind {
        condition("kind", "=", kind.as_str().into());
    }
    if let Some(actor) = &filter.actor {
        condition("actor", "=", actor.as_str().into());
    }
    if let Some(subject) = &filter.subject {
        condition("subject", "=", subject.as_str().into());
    }
    if let Some(after) = filter.after {
        condition("id", ">=", AuditId::lowest_at(after).0.into());
        condition("at", ">", after.as_micros().into());
    }
    if let Some(before) = filter.before {
        // Ids begin with milliseconds: those of the last one are looked at.
        let above = before.plus(std::time::Duration::from_mins(1));
        condition("id", "<", AuditId::lowest_at(above).0.into());
        condition("at", "<", before.as_micros().into());
    }
    if conditions.is_empty() {
        conditions.push("true".to_owned());
    }
    values.push(i64::from(page.limit).into());
    let sql = format!(
        "SELECT id, at, kind, actor, subject, address, request_id, count, detail FROM audit_log \
         WHERE {} ORDER BY id DESC LIMIT ${}",
        conditions.join(" AND "),
        values.len()
    );
    let found = query(db.reader(), sql, values).await?;
    Ok(readable(&found, read))
}

fn read(row: &QueryResult) -> Result<AuditRow, DbError> {
    let kind: String = row.try_get("", "kind")?;
    let mut detail: serde_json::Value = row.try_get("", "detail")?;
    let count: i64 = row.try_get("", "count")?;
    if kind.parse().is_ok_and(AuditEntry::is_counted)
        && let Some(detail) = detail.as_object_mut()
    {
        detail.insert("count".to_owned(), count.into());
    }
    Ok(AuditRow {
        id: AuditId(row.try_get("", "id")?),
        at: Timestamp::from_micros(row.try_get("", "at")?),
        kind,
        actor: row.try_get("", "actor")?,
        subject: row.try_get("", "subject")?,
        address: row.try_get("", "address")?,
        request_id: row.try_get("", "request_id")?,
        detail,
    })
}

/// Forgets rows that are older than `before`, at most `limit`, and says how many it forgot.
pub async fn forget_audit_log(
    db: &Database,
    before: Timestamp,
    limit: u32,
) -> Result<u64, DbError> {
    let sql = "DELETE FROM audit_log WHERE id IN \
         (SELECT id FROM audit_log WHERE id < $1 ORDER BY id LIMIT $2)";
    let values = [AuditId::lowest_at(before).0.into(), i64::from(limit).into()];
    execute(db.writer(), sql, values).await
}
