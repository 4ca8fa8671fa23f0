//! How a database tells how it would run a statement, for tests.

use super::Dialect;

impl Dialect {
    /// What stands before a statement to have its plan told, and the column that tells it.
    pub const fn explain(self) -> (&'static str, usize) {
        match self {
            Self::Postgres => ("EXPLAIN (COSTS OFF)", 0),
            Self::Sqlite => ("EXPLAIN QUERY PLAN", 3),
        }
    }

    /// The same for a statement that is run, with what it cost where the database says it.
    pub const fn explain_cost(self) -> (&'static str, usize) {
        match self {
            Self::Postgres => ("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF)", 0),
            Self::Sqlite => ("EXPLAIN QUERY PLAN", 3),
        }
    }
}
