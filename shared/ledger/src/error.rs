//! Errors of the database.

use sea_orm::{DbErr, RuntimeErr, SqlErr};

/// A server that answers but can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitServer {
    /// It is a standby, or was the primary before a failover.
    #[error("the database server is read-only")]
    ReadOnly,
    /// It is a pooler in an unsupported mode.
    #[error(
        "the database is behind a pooler that shares sessions between transactions and doesn't keep prepared \
         statements apart: use pool_mode = session, or PgBouncer 1.21 or later with max_prepared_statements"
    )]
    MixesSessions,
}

/// A schema that this release can't work with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaMismatch {
    /// It is older.
    #[error(
        "the schema lacks {missing}: expected {expected}, found {found}; run `dossier migrate`"
    )]
    Older {
        /// The first migration that it lacks.
        missing: String,
        /// The newest one that it should have.
        expected: String,
        /// The newest one that it has.
        found: String,
    },
    /// It is newer, and not declared compatible with this release.
    #[error("the schema has {unknown}, which this release doesn't know: expected {expected}")]
    Newer {
        /// The newest migration that it has.
        unknown: String,
        /// The newest one that is known.
        expected: String,
    },
}

/// A failed call to the database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The database can't be reached, can't write, is starting, stopping or out of connections or
    /// room, took too long, or has another release's schema: try again later.
    #[error("the database is unavailable")]
    Unavailable(#[source] DbErr),
    /// The transaction conflicted with another one and may be retried immediately.
    #[error("the database gave way to another transaction")]
    Conflict(#[source] DbErr),
    /// The data broke a constraint of the schema.
    #[error("the database refused the data")]
    Constraint(#[source] DbErr),
    /// The database refused the statement.
    #[error("the database refused a statement")]
    Statement(#[source] DbErr),
    /// The schema is another release's.
    #[error(transparent)]
    Schema(#[from] SchemaMismatch),
    /// The server can't be used.
    #[error(transparent)]
    Unfit(#[from] UnfitServer),
    /// A search exceeded its time limit.
    #[error("a search took longer than it may")]
    TimeLimit,
    /// Too many costly statements are running: there was no slot.
    #[error("too much costly work goes on")]
    Busy,
    /// Another process took over the request, so this one must not commit its change.
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
    /// Whether the transaction that failed may have been committed nevertheless: the connection was
    /// lost, or its result could not be read. A transaction that the database refused was not
    /// committed.
    #[must_use]
    pub const fn may_be_committed(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Corrupt { .. })
    }

    /// Whether it is temporary: the same call may succeed later, or after operators have repaired
    /// the database.
    #[must_use]
    pub const fn will_pass(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_)
                | Self::Conflict(_)
                | Self::Schema(_)
                | Self::Unfit(_)
                | Self::Busy
        )
    }

    /// Whether the database is out of disk space.
    #[must_use]
    pub fn is_out_of_room(&self) -> bool {
        let Self::Unavailable(
            DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)),
        ) = self
        else {
            return false;
        };
        let code = cause
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        // SQLITE_FULL, and disk_full of PostgreSQL.
        matches!(code.as_deref(), Some("13" | "53100"))
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unavailable,
    Conflict,
    Constraint,
    Other,
}

/// Whether the session must be replaced: its server is read-only, or it lacks the prepared
/// statements, or has them for another schema.
pub(super) fn is_fault_of_session(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) =
        error
    else {
        return false;
    };
    cause.as_database_error().is_some_and(|answer| {
        let code = answer.code();
        let code = code.as_deref().unwrap_or_default();
        matches!(code, "25006" | "26000" | "42P05") || is_stale_plan(code, answer.message())
    })
}

/// The schema has changed under a prepared statement.
fn is_stale_plan(code: &str, message: &str) -> bool {
    code == "0A000" && message.contains("cached plan")
}

fn kind_of(error: &sqlx::Error) -> Kind {
    // Not the database's fault, nor one that passes: what it keeps is another thing than is read.
    if matches!(
        error,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_)
    ) {
        return Kind::Other;
    }
    let Some(answer) = error.as_database_error() else {
        return Kind::Unavailable;
    };
    let code = answer.code();
    let code = code.as_deref().unwrap_or_default();
    // SQLSTATEs have five characters; no result code of SQLite has as many digits.
    if code.len() == 5 {
        return postgres_kind(code, answer.message());
    }
    code.parse().map_or(Kind::Other, sqlite_kind)
}

/// By SQLSTATE (PostgreSQL's manual, appendix A). What the server, its disk, its operator or a
/// failover is to blame for is unavailable: the same statement passes once that is over.
fn postgres_kind(code: &str, message: &str) -> Kind {
    match code {
        // Serialization failure, deadlock.
        "40001" | "40P01" => Kind::Conflict,
        // A read-only server or transaction, as after a failover; a transaction that was idle or
        // took too long; a lock that was not to be had in time.
        "25006" | "25P03" | "25P04" | "55P03"
        // A prepared statement that the session doesn't have, or has already: behind a pooler
        // the session has changed.
        | "26000" | "42P05"
        // A table or column that the schema doesn't have: it is another release's.
        | "42P01" | "42703" => Kind::Unavailable,
        _ if is_stale_plan(code, message) => Kind::Unavailable,
        // Connections, resources (disk, memory, connections), intervention by operators
        // (cancelled, timed out, stopping, starting), the system (files, I/O).
        _ if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => {
            Kind::Unavailable
        }
        _ if code.starts_with("23") => Kind::Constraint,
        _ => Kind::Other,
    }
}

/// By result code (<https://www.sqlite.org/rescode.html>): the lowest byte is the primary one.
const fn sqlite_kind(code: u32) -> Kind {
    const BUSY_SNAPSHOT: u32 = 517;
    match code {
        BUSY_SNAPSHOT => Kind::Conflict,
        code => match code & 0xff {
            // Busy, locked, out of memory, read-only, interrupted, I/O error, full, can't be
            // opened, locking protocol, no database.
            5 | 6 | 7 | 8 | 9 | 10 | 13 | 14 | 15 | 26 => Kind::Unavailable,
            19 => Kind::Constraint,
            _ => Kind::Other,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_once_the_server_is_well_is_unavailable() {
        for code in [
            "25006", "25P03", "26000", "42P01", "42703", "42P05", "53100", "53300", "55P03",
            "57014", "57P01", "57P02", "57P03", "58030", "58P01", "08006", "08P01",
        ] {
            assert_eq!(postgres_kind(code, ""), Kind::Unavailable, "{code}");
        }
        // Read-only and its extended codes, I/O errors, full, can't be opened, no database.
        for code in [5, 261, 8, 776, 1032, 10, 266, 778, 8458, 13, 14, 270, 26] {
            assert_eq!(sqlite_kind(code), Kind::Unavailable, "{code}");
        }
    }

    #[test]
    fn what_another_try_may_change_is_a_conflict_and_the_rest_is_ours() {
        assert_eq!(postgres_kind("40P01", ""), Kind::Conflict);
        assert_eq!(sqlite_kind(517), Kind::Conflict);
        assert_eq!(postgres_kind("23514", ""), Kind::Constraint);
        for code in [275, 787, 2067] {
            assert_eq!(sqlite_kind(code), Kind::Constraint, "{code}");
        }
        for code in ["42601", "22021", "XX001", "25001", "0A000"] {
            assert_eq!(
                postgres_kind(code, "no such feature"),
                Kind::Other,
                "{code}"
            );
        }
        for code in [1, 11, 25] {
            assert_eq!(sqlite_kind(code), Kind::Other, "{code}");
        }
    }
}
