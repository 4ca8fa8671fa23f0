//! Opens an object, or a range of it.

use http::Method;
use url::Url;

use super::bucket::Bucket;
use super::outcome::Answer;
use crate::rest::{Call, Response, length};
use crate::{Range, StorageError};

/// Opens an object, or a range of it, and returns the range that the answer has.
pub(super) async fn get(
    bucket: &Bucket,
    name: &str,
    url: &Url,
    range: Option<Range>,
) -> Result<(Response, Range), StorageError> {
    let media = bucket.object_url(name, &[("alt", "media")]);
    let mut call = Call::new("open", Method::GET, media);
    if let Some(Range { start, length }) = range {
        let end = start.saturating_add(length - 1);
        call = call.header("range", format!("bytes={start}-{end}"));
    }
    let answer = bucket.send(&call).await?;
    if !answer.status().is_success() {
        let answer = Answer::read(call.action, answer).await;
        if answer.is_missing() {
            return Err(StorageError::NotFound { url: url.clone() });
        }
        return Err(answer.into_error(call.action));
    }
    let given = Range {
        start: range.map_or(0, |range| range.start),
        length: length(&answer).ok_or_else(|| call.failed("the service named no length"))?,
    };
    if range.is_some_and(|range| range != given) {
        return Err(call.failed("the service returned another range than requested"));
    }
    Ok((answer, given))
}
