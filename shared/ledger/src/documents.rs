//! Documents as their owners read them.

use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::Serialize;
use uuid::Uuid;

use super::batch::{Columns, Kind, parameter, query, query_as, query_column};
use super::dialect::Dialect;
use super::tables::documents::{columns, document};
use super::{Database, DbError};
use domain::{Document, DocumentId, UniqueName, UserId};

/// The only document that meets a condition on `$1`, `$2`, …
pub(super) async fn find(
    connection: &impl ConnectionTrait,
    condition: &str,
    values: impl IntoIterator<Item = sea_orm::Value>,
) -> Result<Option<Document>, DbError> {
    let columns = columns(Dialect::of(connection));
    let sql = format!("SELECT {columns} FROM documents WHERE {condition}");
    let found = query(connection, sql, values).await?;
    found.first().map(document).transpose()
}

/// The document with that id, of any owner.
pub async fn find_document(db: &Database, id: DocumentId) -> Result<Option<Document>, DbError> {
    find(db.reader(), "id = $1", [id.0.into()]).await
}

/// The document of `owner` with that unique name.
pub async fn find_named(
    db: &Database,
    owner: UserId,
    name: &UniqueName,
) -> Result<Option<Document>, DbError> {
    let values = [name.as_str().into(), owner.0.into()];
    find(db.reader(), "unique_name = $1 AND owner_id = $2", values).await
}

/// The condition for what everybody may read under the name `$1`. It finds users by the owner's
/// key alone: who reads pages of the public waits for no list of users.
pub(super) const PUBLIC: &str = "unique_name = $1 AND is_public AND status = 'active' AND EXISTS \
     (SELECT 1 FROM users WHERE users.id = documents.owner_id AND NOT users.disabled)";

/// The document that everybody may read under that name: public, active, and of a user who isn't
/// disabled.
pub async fn find_public(db: &Database, name: &UniqueName) -> Result<Option<Document>, DbError> {
    find(db.reader(), PUBLIC, [name.as_str().into()]).await
}

/// Those of `documents` that aren't pending, gone ones included: one question for all who wait.
pub async fn find_settled(
    db: &Database,
    documents: &[DocumentId],
) -> Result<Vec<DocumentId>, DbError> {
    let wanted = db.dialect().listed_ids();
    let sql = format!(
        "SELECT x.id FROM {wanted} LEFT JOIN documents ON documents.id = x.id \
         WHERE documents.status IS NULL OR documents.status <> 'pending'"
    );
    let found: Vec<Uuid> = query_column(db.reader(), sql, [parameter(documents)?]).await?;
    Ok(found.into_iter().map(DocumentId).collect())
}

/// Those of `versions`, by document and number, that aren't pending, gone ones included.
pub async fn find_settled_versions(
    db: &Database,
    versions: &[(DocumentId, u32)],
) -> Result<Vec<(DocumentId, u32)>, DbError> {
    const COLUMNS: &Columns = &[("id", Kind::Uuid), ("number", Kind::Integer)];

    #[derive(Serialize)]
    struct Wanted {
        id: DocumentId,
        number: u32,
    }

    #[derive(FromQueryResult)]
    struct Settled {
        id: Uuid,
        number: i64,
    }

    let list: Vec<_> = versions
        .iter()
        .map(|(document, number)| Wanted {
            id: *document,
            number: *number,
        })
        .collect();
    let wanted = db.dialect().rows(COLUMNS);
    let sql = format!(
        "SELECT x.id, CAST(x.number AS bigint) AS number FROM {wanted} \
         LEFT JOIN versions ON versions.document_id = x.id AND versions.number = x.number \
         WHERE versions.status IS NULL OR versions.status <> 'pending'"
    );
    let found: Vec<Settled> = query_as(db.reader(), sql, [parameter(&list)?]).await?;
    let settled = |row: Settled| {
        let corrupt = |_| DbError::corrupt("versions", "number", row.number);
        let number = u32::try_from(row.number).map_err(corrupt)?;
        Ok((DocumentId(row.id), number))
    };
    found.into_iter().map(settled).collect()
}
