//! Runs an audit from start to end.

use super::bytes::check_bytes;
use super::finding::{Finding, Summary};
use super::request::{Audit, AuditError, AuditRequest};
use super::rows::check_rows;

/// Runs an audit, and passes each finding to `report`.
pub async fn audit(
    request: &AuditRequest,
    report: &mut (dyn FnMut(Finding) + Send),
) -> Result<Summary, AuditError> {
    let mut audit = Audit::new(request, report);
    check_rows(&mut audit).await?;
    check_bytes(&mut audit).await?;
    audit.summary.quarantined = ledger::quarantined(&request.db).await?.0;
    Ok(audit.summary)
}
