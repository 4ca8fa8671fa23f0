//! Versions as their owners read them.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use url::Url;

use super::readable::ReadablePage;
use super::tables::{blobs, versions as version};
use super::{Database, DbError};
use domain::{DocumentId, Version};

/// A version of a document by number, and where its bytes are if it is active.
pub async fn find_version(
    db: &Database,
    document: DocumentId,
    number: u32,
) -> Result<Option<(Version, Option<Url>)>, DbError> {
    let select = version::Entity::find()
        .filter(version::Column::DocumentId.eq(document.0))
        .filter(version::Column::Number.eq(i64::from(number)));
    let Some(row) = select.one(db.reader()).await? else {
        return Ok(None);
    };
    let location = match row.blob_id {
        Some(id) => {
            let blob = blobs::Entity::find_by_id(id).one(db.reader()).await?;
            let url = blob.map(|blob| Url::parse(&blob.storage_url)).transpose();
            url.map_err(|_| DbError::corrupt("blobs", "storage_url", id))?
        }
        None => None,
    };
    Ok(Some((row.try_into()?, location)))
}

/// The versions of a document with numbers below `before`, newest first.
pub async fn list_versions(
    db: &Database,
    document: DocumentId,
    before: Option<u32>,
    limit: u64,
) -> Result<Vec<Version>, DbError> {
    let mut found = ReadablePage::behind(before.map(i64::from), limit);
    while found.wants_more() {
        let mut select = version::Entity::find().filter(version::Column::DocumentId.eq(document.0));
        if let Some(before) = found.behind {
            select = select.filter(version::Column::Number.lt(before));
        }
        let select = select.order_by_desc(version::Column::Number).limit(limit);
        let rows = select.all(db.reader()).await?;
        found.add(rows, |row| Ok(row.number), Version::try_from)?;
    }
    Ok(found.into_items())
}
