//! What an owner keeps: counters, and sums by type.

use std::time::Duration;

use sea_orm::EntityTrait;

use super::readable::unreadable;
use super::tables::users as user;
use super::users::quota;
use super::{Database, DbError};
use domain::{ByteSize, Limits, MediaType, Status, UserId};

/// The longest that documents are counted.
const TIME: Duration = Duration::from_secs(10);

/// What an owner keeps and may keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// How many documents are in each status, in the order of [`Status::ALL`].
    pub documents: [u64; 4],
    /// Bytes of active versions, shared content counted for each.
    pub used: ByteSize,
    /// Bytes of pending versions.
    pub reserved: ByteSize,
    /// The most bytes, used and reserved together.
    pub byte_limit: ByteSize,
    /// The most documents in every status but `error`.
    pub document_limit: u32,
    /// Current versions by type, in the order of the types.
    pub by_type: Vec<TypeUsage>,
}

/// What an owner keeps of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeUsage {
    /// The type.
    pub media_type: MediaType,
    /// How many documents.
    pub documents: u64,
    /// Their bytes.
    pub size: ByteSize,
}

/// What `owner` keeps; `None` if there is no such user.
pub async fn usage(
    db: &Database,
    owner: UserId,
    limits: &Limits,
) -> Result<Option<Usage>, DbError> {
    let Some(row) = user::Entity::find_by_id(owner.0).one(db.reader()).await? else {
        return Ok(None);
    };
    let size = |bytes: i64| ByteSize::new(bytes.unsigned_abs());
    let (used, reserved) = (size(row.used_bytes), size(row.reserved_bytes));
    let quota = quota(&row)?;
    let sql = "SELECT status, mime_type, count(*), CAST(sum(size_bytes) AS bigint) FROM documents \
         WHERE owner_id = $1 GROUP BY status, mime_type ORDER BY mime_type";
    let mut documents = [0; 4];
    let mut by_type: Vec<TypeUsage> = Vec::new();
    let search = db.search(owner, TIME).await?;
    for row in search.query(sql, [owner.0.into()]).await? {
        let (status, media_type): (String, Option<String>) =
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let (count, bytes): (i64, i64) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
        match status.parse::<Status>() {
            Ok(status) => documents[status as usize] += count.unsigned_abs(),
            Err(_) => unreadable(&DbError::corrupt("documents", "status", owner)),
        }
        let Some(media_type) = media_type else {
            continue;
        };
        let Ok(media_type) = media_type.parse::<MediaType>() else {
            unreadable(&DbError::corrupt("documents", "mime_type", owner));
            continue;
        };
        match by_type.last_mut() {
            Some(last) if last.media_type == media_type => {
                last.documents += count.unsigned_abs();
                last.size = ByteSize::new(last.size.bytes() + bytes.unsigned_abs());
            }
            _ => by_type.push(TypeUsage {
                media_type,
                documents: count.unsigned_abs(),
                size: size(bytes),
            }),
        }
    }
    search.end().await?;
    Ok(Some(Usage {
        documents,
        used,
        reserved,
        byte_limit: quota.byte_limit(limits),
        document_limit: quota.document_limit(limits),
        by_type,
    }))
}
