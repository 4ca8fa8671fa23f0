//! References to bytes: the single list of columns with URLs of objects that a row needs. The
//! cleanup checks it before it discards an object, the audit compares it with storage, and an
//! outcome checks it before it removes leftovers.
//!
//! A new table whose rows need objects adds its column here. Bytes may be in storage before their
//! row is committed, but for no longer than half of `Retention::stray` after the creation of their
//! key.

use sea_orm::ConnectionTrait;
use serde::Serialize;
use url::Url;

use super::DbError;
use super::batch::{Columns, Kind, parameter, query};
use super::dialect::Dialect;
use domain::ByteSize;

/// A column of URLs that its table's rows need. Each has a partial or whole index `bytewise`.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// The kind of the row in findings.
    pub what: &'static str,
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The length of the bytes, as SQL; `NULL` if the table doesn't have it.
    pub size: &'static str,
    /// Their digest, as SQL; `NULL` if the table doesn't have it.
    pub sha256: &'static str,
    /// Which rows need the object to be there, as SQL: an inline body is in its row.
    pub needs: &'static str,
    /// Whether it is the URL of staged bytes, which may have been moved into the store under the
    /// same key.
    pub staged: Staged,
}

/// Whether bytes may be elsewhere than at the URL in their column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Staged {
    /// They are in staging, or under the same key in the store.
    Yes,
    /// They are at the URL in the column.
    No,
}

/// All columns.
pub const SOURCES: &[Source] = &[
    Source {
        what: "blob",
        table: "blobs",
        column: "storage_url",
        size: "size_bytes",
        sha256: "sha256",
        needs: "true",
        staged: Staged::No,
    },
    Source {
        what: "version",
        table: "versions",
        column: "staged_url",
        // What a client wrote straight into the storage is what it declared only once it was read.
        size: "CASE WHEN NOT is_direct THEN size_bytes END",
        sha256: "CASE WHEN NOT is_direct THEN sha256 END",
        needs: "body IS NULL",
        staged: Staged::Yes,
    },
    Source {
        what: "import",
        table: "operations",
        column: "source_url",
        size: "NULL",
        sha256: "NULL",
        needs: "true",
        staged: Staged::No,
    },
    Source {
        what: "export",
        table: "operations",
        column: "result_url",
        size: "result_size",
        sha256: "result_sha256",
        needs: "true",
        staged: Staged::No,
    },
    Source {
        what: "upload",
        table: "uploads",
        column: "staged_url",
        size: "offset_bytes",
        sha256: "NULL",
        // Until it has all its bytes it isn't an object.
        needs: "status = 'complete'",
        staged: Staged::Yes,
    },
    Source {
        what: "upload_tail",
        table: "uploads",
        column: "tail_url",
        size: "NULL",
        sha256: "NULL",
        needs: "true",
        staged: Staged::No,
    },
];

/// An object that was found in storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundObject {
    /// Its URL.
    pub url: Url,
    /// The URL of its staged bytes, if it was staged.
    pub staged: Url,
    /// Its length.
    pub size: ByteSize,
}

/// The columns of objects passed as `x`.
pub(super) const OBJECTS: &Columns = &[
    ("url", Kind::Text),
    ("staged", Kind::Text),
    ("size_bytes", Kind::Integer),
];

#[derive(Serialize)]
struct ObjectRow<'a> {
    url: &'a str,
    staged: &'a str,
    size_bytes: i64,
}

/// The objects as the parameter of a statement.
pub(super) fn objects_parameter(objects: &[FoundObject]) -> Result<sea_orm::Value, DbError> {
    let objects = objects.iter().map(|object| ObjectRow {
        url: object.url.as_str(),
        staged: object.staged.as_str(),
        size_bytes: object.size.as_i64(),
    });
    parameter(&objects.collect::<Vec<_>>())
}

/// True of an object `x` that no row refers to. One statement checks all tables, so that bytes that
/// move from one row to another are seen in one of them.
pub(super) fn is_unreferred(dialect: Dialect) -> String {
    let bytewise = dialect.bytewise();
    let mut conditions = Vec::new();
    for Source {
        table,
        column,
        staged,
        ..
    } in SOURCES
    {
        let names = match staged {
            Staged::Yes => &["url", "staged"][..],
            Staged::No => &["url"],
        };
        conditions.extend(names.iter().map(|name| {
            format!("NOT EXISTS (SELECT 1 FROM {table} r WHERE r.{column}{bytewise} = x.{name})")
        }));
    }
    conditions.join(" AND ")
}

/// Returns those of `objects` that no row refers to.
pub(super) async fn unreferred(
    connection: &impl ConnectionTrait,
    objects: &[FoundObject],
) -> Result<Vec<String>, DbError> {
    if objects.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = Dialect::of(connection);
    let sql = format!(
        "SELECT x.url FROM {} WHERE {}",
        dialect.rows(OBJECTS),
        is_unreferred(dialect)
    );
    let found = query(connection, sql, [objects_parameter(objects)?]).await?;
    found
        .iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect()
}
