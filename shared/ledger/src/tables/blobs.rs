//! The table `blobs`: content by digest and length, with the number of versions that refer to it.
//!
//! | index | serves |
//! | --- | --- |
//! | primary key | the content of a version |
//! | `(sha256, size_bytes)`, unique | content that is known already; one row for equal bytes |
//! | `blobs_by_url` | whether an object of the store has a row; the audit, in the order of storage |

use sea_orm::FromQueryResult;
use sea_orm::entity::prelude::*;
use serde::Serialize;

use crate::batch::{Columns, Kind, execute, parameter, query, query_as, query_column};
use crate::dialect::Dialect;
use crate::{DatabaseTransaction, DbError};
use domain::{BlobId, DocumentId, Timestamp};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "blobs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub sha256: String,
    pub size_bytes: i64,
    pub storage_url: String,
    pub refs: i64,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Content that gets references, and the row to be made of it if there is none.
#[derive(Debug, Serialize)]
pub struct NewBlob<'a> {
    pub id: BlobId,
    pub sha256: &'a str,
    pub size_bytes: i64,
    pub storage_url: &'a str,
    /// How many references it gets.
    pub refs: i64,
}

const NEW: &Columns = &[
    ("id", Kind::Uuid),
    ("sha256", Kind::Text),
    ("size_bytes", Kind::Integer),
    ("storage_url", Kind::Text),
    ("refs", Kind::Integer),
];

/// Content with a row.
#[derive(Debug, FromQueryResult)]
pub struct KnownBlob {
    pub id: Uuid,
    pub sha256: String,
    pub size_bytes: i64,
    pub storage_url: String,
}

/// Locks the rows of `blobs` that exist in the order of their content, which no UPDATE promises: two groups,
/// or a group and a removal, so don't wait for each other. SQLite has one writer and needs no order.
pub async fn lock_known(
    connection: &impl ConnectionTrait,
    blobs: &[NewBlob<'_>],
) -> Result<(), DbError> {
    let dialect = Dialect::of(connection);
    if dialect.has_one_writer() {
        return Ok(());
    }
    // Counted, so that no row travels.
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM blobs JOIN {} ON blobs.sha256 = x.sha256 \
         AND blobs.size_bytes = x.size_bytes ORDER BY blobs.sha256, blobs.size_bytes{}) AS locked",
        dialect.rows(NEW),
        dialect.lock_rows("blobs"),
    );
    query(connection, sql, [parameter(blobs)?]).await?;
    Ok(())
}

/// Adds references to content that has a row. Returns the rows that exist.
pub async fn add_references(
    connection: &impl ConnectionTrait,
    blobs: &[NewBlob<'_>],
) -> Result<Vec<KnownBlob>, DbError> {
    if blobs.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "UPDATE blobs SET refs = blobs.refs + x.refs FROM {} \
         WHERE blobs.sha256 = x.sha256 AND blobs.size_bytes = x.size_bytes \
         RETURNING blobs.id, blobs.sha256, blobs.size_bytes, blobs.storage_url",
        Dialect::of(connection).rows(NEW)
    );
    query_as(connection, sql, [parameter(blobs)?]).await
}

/// Inserts content, or adds references to equal content that has a row. Returns the row of each.
pub async fn insert_blobs(
    connection: &impl ConnectionTrait,
    blobs: &[NewBlob<'_>],
    now: Timestamp,
) -> Result<Vec<KnownBlob>, DbError> {
    if blobs.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "INSERT INTO blobs (id, sha256, size_bytes, storage_url, refs, created_at) \
         SELECT x.id, x.sha256, x.size_bytes, x.storage_url, x.refs, $2 FROM {} WHERE true \
         ORDER BY x.sha256, x.size_bytes \
         ON CONFLICT (sha256, size_bytes) DO UPDATE SET refs = blobs.refs + excluded.refs \
         RETURNING id, sha256, size_bytes, storage_url",
        Dialect::of(connection).rows(NEW)
    );
    let values = [parameter(blobs)?, now.as_micros().into()];
    query_as(connection, sql, values).await
}

/// Adds a reference. Returns where the bytes are; `None` if there is no such row.
pub async fn add_reference(
    connection: &impl ConnectionTrait,
    id: Uuid,
) -> Result<Option<String>, DbError> {
    let sql = "UPDATE blobs SET refs = refs + 1 WHERE id = $1 RETURNING storage_url";
    let urls: Vec<String> = query_column(connection, sql, [id.into()]).await?;
    Ok(urls.into_iter().next())
}

/// Locks rows that may be deleted, in the order of their content.
pub async fn lock_blobs(connection: &impl ConnectionTrait, ids: &[Uuid]) -> Result<(), DbError> {
    let dialect = Dialect::of(connection);
    if dialect.has_one_writer() {
        return Ok(());
    }
    let sql = format!(
        "SELECT id FROM blobs WHERE id IN ({}) ORDER BY sha256, size_bytes FOR UPDATE",
        dialect.ids()
    );
    query(connection, sql, [parameter(ids)?]).await?;
    Ok(())
}

/// References that content loses.
#[derive(Debug, Serialize)]
pub struct LostReferences {
    pub id: Uuid,
    pub refs: i64,
}

/// Takes references from content.
pub async fn take_references(
    connection: &impl ConnectionTrait,
    lost: &[LostReferences],
) -> Result<(), DbError> {
    const COLUMNS: &Columns = &[("id", Kind::Uuid), ("refs", Kind::Integer)];
    let sql = format!(
        "UPDATE blobs SET refs = blobs.refs - x.refs FROM {} WHERE blobs.id = x.id",
        Dialect::of(connection).rows(COLUMNS)
    );
    execute(connection, sql, [parameter(lost)?]).await?;
    Ok(())
}

/// Counts the versions that refer to content.
pub async fn recount_references(
    connection: &impl ConnectionTrait,
    id: Uuid,
) -> Result<(), DbError> {
    let sql = "UPDATE blobs SET refs = (SELECT count(*) FROM versions v WHERE v.blob_id = blobs.id) \
         WHERE id = $1";
    execute(connection, sql, [id.into()]).await?;
    Ok(())
}

/// Content whose row was deleted.
#[derive(Debug, FromQueryResult)]
pub struct DeletedBlob {
    pub id: Uuid,
    pub storage_url: String,
    pub size_bytes: i64,
}

/// Deletes those of the rows that nothing refers to.
pub async fn delete_unreferenced(
    connection: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<Vec<DeletedBlob>, DbError> {
    let sql = format!(
        "DELETE FROM blobs WHERE id IN ({}) AND refs = 0 RETURNING id, storage_url, size_bytes",
        Dialect::of(connection).ids()
    );
    query_as(connection, sql, [parameter(ids)?]).await
}

/// Keeps the content of a document's active versions where it is until the transaction ends: nothing
/// moves it meanwhile.
pub async fn share_of_document(
    transaction: &DatabaseTransaction,
    document: DocumentId,
) -> Result<(), DbError> {
    let dialect = transaction.dialect();
    if dialect.has_one_writer() {
        return Ok(());
    }
    let sql = format!(
        "SELECT b.id FROM versions v JOIN blobs b ON b.id = v.blob_id \
         WHERE v.document_id = $1 AND v.status = 'active' ORDER BY b.sha256, b.size_bytes{}",
        dialect.share_rows("b")
    );
    query(transaction, sql, [document.0.into()]).await?;
    Ok(())
}

/// Lets content be at another URL, if it still is at the first one. Returns whether it was.
pub async fn relocate(
    connection: &impl ConnectionTrait,
    id: Uuid,
    (from, to): (&str, &str),
) -> Result<bool, DbError> {
    let sql = "UPDATE blobs SET storage_url = $3 WHERE id = $1 AND storage_url = $2";
    Ok(execute(connection, sql, [id.into(), from.into(), to.into()]).await? > 0)
}
