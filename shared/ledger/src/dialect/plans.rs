//! How a database explains a statement, for tests.

use super::Dialect;

impl Dialect {
    /// The prefix that explains a statement, and the index of the column with its plan.
    pub const fn explain(self) -> (&'static str, usize) {
        match self {
            Self::Postgres => ("EXPLAIN (COSTS OFF)", 0),
            Self::Sqlite => ("EXPLAIN QUERY PLAN", 3),
        }
    }
}
