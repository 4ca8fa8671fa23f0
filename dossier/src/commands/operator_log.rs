//! Has the security log say what an operator does by a command.

use domain::{AuditEntry, AuditEvent, AuditOrigin, Clock as _, SystemClock};
use ledger::{Audited, Database};

/// A change that an operator makes, as the security log has it.
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
