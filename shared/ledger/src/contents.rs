//! Where content is now: a read that began at a former place goes on there.

use url::Url;

use super::batch::query_column;
use super::{Database, DbError};
use domain::{ByteSize, Sha256};

/// Returns where content with this digest and size is; `None` if no document has it.
pub async fn find_content(
    db: &Database,
    sha256: Sha256,
    size: ByteSize,
) -> Result<Option<Url>, DbError> {
    let sql = "SELECT storage_url FROM blobs WHERE sha256 = $1 AND size_bytes = $2";
    let values = [sha256.to_string().into(), size.as_i64().into()];
    let found: Vec<String> = query_column(db.reader(), sql, values).await?;
    let url = found.first().map(|url| url.parse()).transpose();
    url.map_err(|_| DbError::corrupt("blobs", "storage_url", sha256))
}
