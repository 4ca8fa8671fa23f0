//! Opens an object, or a range of it.

use futures::stream;
use url::Url;

use super::client::Bucket;
use super::outcome::{failed, is_missing, odd};
use crate::{ByteStream, Range, StorageError};

/// Opens an object, or a range of it, and returns the range that the answer has.
pub(super) async fn get(
    bucket: &Bucket,
    key: &str,
    url: &Url,
    range: Option<Range>,
) -> Result<(ByteStream, Range), StorageError> {
    let request = bucket.client.get_object().bucket(&bucket.name).key(key);
    let request = request.set_range(range.map(|Range { start, length }| {
        format!("bytes={start}-{}", start.saturating_add(length - 1))
    }));
    let object = match request.send().await {
        Err(error) if is_missing(&error) => {
            return Err(StorageError::NotFound { url: url.clone() });
        }
        answer => answer.map_err(|error| failed("open", error))?,
    };
    let length = object.content_length.map(u64::try_from);
    let given = Range {
        start: range.map_or(0, |range| range.start),
        length: length
            .and_then(Result::ok)
            .ok_or_else(|| odd("open", "the service named no length"))?,
    };
    if range.is_some_and(|range| range != given) {
        return Err(odd(
            "open",
            "the service returned another range than requested",
        ));
    }
    let body = stream::try_unfold(object.body, |mut body| async move {
        let chunk = body
            .try_next()
            .await
            .map_err(|error| StorageError::Unavailable {
                action: "read",
                source: error.into(),
            })?;
        Ok(chunk.map(|chunk| (chunk, body)))
    });
    Ok((Box::pin(body), given))
}
