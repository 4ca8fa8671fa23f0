//! Entries of the security log.

use domain::AuditId;
use ledger::AuditRow;
use poem_openapi::Object;
use serde_json::Value;

use super::{Id, Moment};

/// A line of the security log.
#[derive(Debug, Object)]
#[oai(rename = "AuditLogEntry")]
pub struct AuditLogEntryBody {
    /// Its id.
    pub id: Id<AuditId>,
    /// When; of several that are counted the first.
    pub at: Moment,
    /// What happened.
    pub kind: String,
    /// Who did it: a user's id, `operator` for commands, `service` for the cleanup, `null` if unknown.
    #[oai(nullable)]
    pub actor: Option<String>,
    /// To whom or what: an id.
    #[oai(nullable)]
    pub subject: Option<String>,
    /// From which address, or network of IPv6.
    #[oai(nullable)]
    pub address: Option<String>,
    /// By which request, as in its `X-Request-Id`.
    #[oai(nullable)]
    pub request_id: Option<String>,
    /// The rest of it, by its kind; `count` says how often, where that is counted.
    pub detail: Value,
}

/// A page of the security log.
#[derive(Debug, Object)]
#[oai(rename = "AuditLogPage")]
pub struct AuditLogPageBody {
    /// The lines.
    pub items: Vec<AuditLogEntryBody>,
    /// The `cursor` of the next page, if there is one.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

impl From<AuditRow> for AuditLogEntryBody {
    fn from(row: AuditRow) -> Self {
        Self {
            id: Id(row.id),
            at: Moment(row.at),
            kind: row.kind,
            actor: row.actor,
            subject: row.subject,
            address: row.address,
            request_id: row.request_id,
            detail: row.detail,
        }
    }
}
