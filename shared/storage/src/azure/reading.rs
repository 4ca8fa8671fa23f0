//! Opens a blob, or a range of it.

use http::Method;
use url::Url;

use super::container::Container;
use super::copy::is_partial;
use super::outcome::{is_missing, refusal};
use super::unfinished::is_placeholder;
use crate::rest::{Response, length};
use crate::{Range, StorageError};

/// Opens a blob, or a range of it, and returns the range that the answer has.
pub(super) async fn get(
    container: &Container,
    name: &str,
    url: &Url,
    range: Option<Range>,
) -> Result<(Response, Range), StorageError> {
    let mut call = container.call("open", Method::GET, name);
    if let Some(Range { start, length }) = range {
        let end = start.saturating_add(length - 1);
        call = call.header("x-ms-range", format!("bytes={start}-{end}"));
    }
    let answer = container.send(&call).await?;
    if is_missing(&answer) || is_placeholder(&answer) || is_partial(&answer) {
        return Err(StorageError::NotFound { url: url.clone() });
    }
    if !answer.status().is_success() {
        return Err(refusal(call.action, answer).await);
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
