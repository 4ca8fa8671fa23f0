//! The usage of an owner: counters, and sums by media type.

use std::time::Duration;

use sea_orm::{EntityTrait, FromQueryResult};

use super::readable::unreadable;
use super::tables::users as user;
use super::{Database, DbError};
use domain::{ByteSize, Limits, MediaType, Status, UserId};

/// The time limit of counting documents.
const TIME: Duration = Duration::from_secs(10);

/// The usage and limits of an owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The number of documents in each status, in the order of [`Status::ALL`].
    pub documents: [u64; 4],
    /// Bytes of active versions; shared content counts for each.
    pub used: ByteSize,
    /// Bytes of pending versions.
    pub reserved: ByteSize,
    /// The limit of bytes, used and reserved together.
    pub byte_limit: ByteSize,
    /// The limit of documents in every status but `error`.
    pub document_limit: u32,
    /// Current versions by type, in the order of the types.
    pub by_type: Vec<TypeUsage>,
}

/// The usage by one media type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeUsage {
    /// The type.
    pub media_type: MediaType,
    /// The number of documents.
    pub documents: u64,
    /// Their bytes.
    pub size: ByteSize,
}

/// Documents of one status and type.
#[derive(FromQueryResult)]
struct SumRow {
    status: String,
    mime_type: Option<String>,
    documents: i64,
    bytes: i64,
}

/// Returns the usage of `owner`; `None` if there is no such user.
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
    let quota = row.quota()?;
    let sql = "SELECT status, mime_type, count(*) AS documents, CAST(sum(size_bytes) AS bigint) AS bytes FROM documents \
         WHERE owner_id = $1 GROUP BY status, mime_type ORDER BY mime_type";
    let mut documents = [0; 4];
    let mut by_type: Vec<TypeUsage> = Vec::new();
    let search = db.search_once(owner, TIME).await?;
    for row in search.query(sql, [owner.0.into()]).await? {
        let sum = SumRow::from_query_result(&row, "")?;
        let (count, bytes) = (sum.documents.unsigned_abs(), sum.bytes.unsigned_abs());
        match sum.status.parse::<Status>() {
            Ok(status) => documents[status as usize] += count,
            Err(_) => unreadable(&DbError::corrupt("documents", "status", owner)),
        }
        let Some(media_type) = sum.mime_type else {
            continue;
        };
        let Ok(media_type) = media_type.parse::<MediaType>() else {
            unreadable(&DbError::corrupt("documents", "mime_type", owner));
            continue;
        };
        match by_type.last_mut() {
            Some(last) if last.media_type == media_type => {
                last.documents += count;
                last.size = ByteSize::new(last.size.bytes() + bytes);
            }
            _ => by_type.push(TypeUsage {
                media_type,
                documents: count,
                size: ByteSize::new(bytes),
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
