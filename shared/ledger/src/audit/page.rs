//! A page of what an audit is told.

use uuid::Uuid;

/// A page of a question: what was found among so many rows, and behind which row the next begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPage<T> {
    /// What was found.
    pub found: Vec<T>,
    /// The last row that was looked at; `None` at the end of the table.
    pub next: Option<Uuid>,
}
