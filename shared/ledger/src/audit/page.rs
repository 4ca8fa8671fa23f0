//! A page of results of an audit query.

use uuid::Uuid;

/// The findings among a number of rows, and the row after which the next page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPage<T> {
    /// The findings.
    pub found: Vec<T>,
    /// The last row that was checked; `None` at the end of the table.
    pub next: Option<Uuid>,
}
