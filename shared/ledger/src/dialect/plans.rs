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

    /// The same for a statement that is run, with its cost if the database reports it.
    pub const fn explain_cost(self) -> (&'static str, usize) {
        match self {
            Self::Postgres => ("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF)", 0),
            Self::Sqlite => ("EXPLAIN QUERY PLAN", 3),
        }
    }
}
