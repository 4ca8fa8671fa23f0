//! What can go wrong with the database.

use sea_orm::{DbErr, RuntimeErr, SqlErr};

/// A question to the database that was not answered as asked.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The database can't be reached, is starting, stopping or out of connections: try again later.
    #[error("the database is unavailable")]
    Unavailable(#[source] DbErr),
    /// The database gave up on a transaction because of another one: the same may pass again at once.
    #[error("the database gave way to another transaction")]
    Conflict(#[source] DbErr),
    /// The data broke a constraint of the schema.
    #[error("the database refused the data")]
    Constraint(#[source] DbErr),
    /// The database refused the statement.
    #[error("the database refused a statement")]
    Statement(#[source] DbErr),
    /// Another process took the request over: what it changes, this one must not.
    #[error("another process took the request over")]
    TakenOver,
    /// A row that breaks the domain's rules.
    #[error("{table}.{column} of {id} is not valid")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's id.
        id: String,
    },
}

impl DbError {
    /// Whether the transaction that ended by this may have been committed all the same: the
    /// database went silent in the middle, or what it keeps could not be read. What it refused,
    /// it has not committed.
    #[must_use]
    pub const fn may_be_committed(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Corrupt { .. })
    }

    /// A row that breaks the domain's rules.
    pub(super) fn corrupt(
        table: &'static str,
        column: &'static str,
        id: impl std::fmt::Display,
    ) -> Self {
        Self::Corrupt {
            table,
            column,
            id: id.to_string(),
        }
    }
}

impl From<DbErr> for DbError {
    fn from(error: DbErr) -> Self {
        if matches!(
            error.sql_err(),
            Some(SqlErr::UniqueConstraintViolation(_) | SqlErr::ForeignKeyConstraintViolation(_))
        ) {
            return Self::Constraint(error);
        }
        match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::Unavailable(error),
            DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause)) => match kind_of(cause) {
                Kind::Unavailable => Self::Unavailable(error),
                Kind::Conflict => Self::Conflict(error),
                Kind::Constraint => Self::Constraint(error),
                Kind::Other => Self::Statement(error),
            },
            _ => Self::Statement(error),
        }
    }
}

enum Kind {
    Unavailable,
    Conflict,
    Constraint,
    Other,
}

/// SQLSTATE classes of PostgreSQL (appendix A of its manual) and primary result codes of SQLite.
fn kind_of(error: &sqlx::Error) -> Kind {
    let Some(answer) = error.as_database_error() else {
        return Kind::Unavailable;
    };
    match answer.code().as_deref() {
        Some("40001" | "40P01" | "5" | "517") => Kind::Conflict,
        Some(code)
            if code.starts_with("08") || code.starts_with("57P") || code.starts_with("53") =>
        {
            Kind::Unavailable
        }
        Some("13" | "778" | "1290" | "10") => Kind::Unavailable,
        Some(code) if code.starts_with("23") || code == "275" => Kind::Constraint,
        _ => Kind::Other,
    }
}
