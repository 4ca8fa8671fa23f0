//! What ends a SELECT whose rows are to be locked. SQLite has one writer and needs none of it.

use sea_orm::sea_query::LockType;
use sea_orm::{EntityTrait, QuerySelect, Select};

use super::Dialect;

impl Dialect {
    /// Has a SELECT of an entity lock its rows, which this transaction is to change.
    pub fn lock<E: EntityTrait>(self, select: Select<E>) -> Select<E> {
        match self {
            Self::Postgres => select.lock(LockType::NoKeyUpdate),
            Self::Sqlite => select,
        }
    }

    /// Locks the rows of `tables`, names or aliases, which this transaction is to change.
    pub fn lock_rows(self, tables: &str) -> String {
        match self {
            Self::Postgres => format!(" FOR NO KEY UPDATE OF {tables}"),
            Self::Sqlite => String::new(),
        }
    }

    /// Keeps the rows of `tables`, names or aliases, as they are until this transaction ends.
    pub fn share_rows(self, tables: &str) -> String {
        match self {
            Self::Postgres => format!(" FOR SHARE OF {tables}"),
            Self::Sqlite => String::new(),
        }
    }

    /// Locks the rows of `table` that nobody else has locked, and leaves out the others.
    pub fn lock_free_rows(self, table: &str) -> String {
        match self {
            Self::Postgres => format!(" FOR UPDATE OF {table} SKIP LOCKED"),
            Self::Sqlite => String::new(),
        }
    }
}
