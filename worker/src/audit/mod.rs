//! The audit: holds the ledger against itself and against what storage has, finds what doesn't
//! fit, and mends what can be mended without destroying anything.
//!
//! It may run while the service does. What it asks the ledger is asked in one statement at a
//! time; what ledger and storage disagree on is looked at a second time, and bytes
//! that are too young to be left behind are no finding.

mod bytes;
mod finding;
mod pace;
mod request;
mod rows;
mod run;

pub use finding::{Finding, FindingKind, Remedy, Summary};
pub use request::{AuditError, AuditRequest, Deep, Mode};
pub use rows::{enqueue_lost, report_quota_drift};
pub use run::audit;
