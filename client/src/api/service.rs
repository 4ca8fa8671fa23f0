//! What happened in the service, for admins.

use super::Items;
use crate::http::Call;
use crate::types::{Activity, AuditLogEntry, AuditLogFilter};
use crate::{Client, Error};

impl Client {
    /// The lines of the security log that match, the newest first.
    #[must_use]
    pub fn audit_log(&self, filter: &AuditLogFilter) -> Items<AuditLogEntry> {
        self.items(Call::get(&["v1", "admin", "audit-log"]).queries(filter))
    }

    /// What the process that answers did in the last hour.
    pub async fn activity(&self) -> Result<Activity, Error> {
        self.ask(Call::get(&["v1", "admin", "activity"])).await
    }
}
