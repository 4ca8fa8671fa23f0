//! Records operators' commands in the security log.

use domain::{AuditEntry, AuditEvent, AuditOrigin, Clock as _, SystemClock};
use ledger::{Audited, Database};

/// Wraps a change by an operator with its security log entry.
pub fn logged<T, F>(
    db: &Database,
    events: F,
) -> Audited<Database, impl Fn(&T) -> Vec<AuditEntry> + use<T, F>>
where
    F: Fn(&T) -> Vec<AuditEvent>,
{
    let entries = move |made: &T| {
        let entry = |event| AuditEntry::single(AuditOrigin::OPERATOR, event, SystemClock.now());
        events(made).into_iter().map(entry).collect()
    };
    Audited {
        on: db.clone(),
        entries,
    }
}
