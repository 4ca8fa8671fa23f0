//! The audit: checks the ledger for consistency and against storage, reports findings, and repairs
//! what can be repaired without destroying anything.
//!
//! It may run while the service does. Each query to the ledger is one statement; disagreements
//! between ledger and storage are checked a second time, and bytes too young to be orphans are no
//! finding.

mod bytes;
mod finding;
mod marks;
mod request;
mod rows;
mod run;

pub use finding::{Finding, FindingKind, Remedy, Summary};
pub use request::{AuditError, AuditRequest, Deep, Mode};
pub use rows::{enqueue_lost, report_quota_drift};
pub use run::audit;
