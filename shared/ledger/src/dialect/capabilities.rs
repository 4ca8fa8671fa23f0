//! Which of the two databases a connection speaks to, and what that one can do.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend};

/// The SQL that a database understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// A server that many processes share.
    Postgres,
    /// A file that one process works on.
    Sqlite,
}

impl Dialect {
    /// The dialect of a connection or a transaction.
    pub fn of(connection: &impl ConnectionTrait) -> Self {
        match connection.get_database_backend() {
            DbBackend::Postgres => Self::Postgres,
            _ => Self::Sqlite,
        }
    }

    /// Whether rows are locked one by one, so that the order of locks matters.
    pub const fn locks_rows(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// Whether there is one writer, before whom all others wait.
    pub const fn has_one_writer(self) -> bool {
        matches!(self, Self::Sqlite)
    }

    /// Whether one pool serves writers, readers and searches.
    pub const fn has_one_pool(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// Whether the database has a clock of its own, which all its processes can be set by.
    pub const fn has_clock(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// Whether conditions can say what metadata contains. Otherwise documents are decoded.
    pub const fn matches_metadata(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// Whether the planner knows how rare a value is. Otherwise the index of words is asked first.
    pub const fn knows_rarity(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// Takes the limit from the statements of a transaction, if the database has one.
    pub const fn lift_time_limit(self) -> Option<&'static str> {
        match self {
            Self::Postgres => Some("SET LOCAL statement_timeout = 0"),
            Self::Sqlite => None,
        }
    }

    /// What a transaction that searches begins with, if anything.
    pub fn begin_search(self, limit: Duration) -> Option<String> {
        match self {
            // For this transaction alone, so that a pooler may stand in between. Which index is
            // the best depends on how rare the wanted values are: no plan made for any will do.
            Self::Postgres => Some(format!(
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; \
                 SET LOCAL statement_timeout = {}; SET LOCAL plan_cache_mode = force_custom_plan",
                limit.as_millis()
            )),
            Self::Sqlite => None,
        }
    }

    /// A question that gives a row if there is a table of that name.
    pub fn has_table(self, name: &str) -> String {
        match self {
            Self::Postgres => {
                format!("SELECT 1 FROM pg_catalog.pg_class WHERE oid = to_regclass('{name}')")
            }
            Self::Sqlite => {
                format!("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '{name}'")
            }
        }
    }
}
