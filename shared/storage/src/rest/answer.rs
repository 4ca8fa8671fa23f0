//! Reads responses: headers, bounded texts, and bodies as streams.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use domain::read_json;
use futures::stream;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::client::{BoxError, Response};
use crate::{ByteStream, Refusal, StorageError};

/// The timeout of a stalled response.
const STALLED: Duration = Duration::from_secs(30);

/// The size limit of responses that are kept whole, such as a page of a listing.
const LONGEST: usize = 32 << 20;

/// Returns the error of `action` that was refused.
pub(crate) fn refused(action: &'static str, refusal: Refusal) -> StorageError {
    if refusal.status == 507 {
        return StorageError::Full;
    }
    unavailable(action, refusal)
}

/// Returns a header as text.
pub(crate) fn header<'r>(answer: &'r Response, name: &str) -> Option<&'r str> {
    answer.headers().get(name)?.to_str().ok()
}

/// Returns the length of the body, or of what HEAD describes.
pub(crate) fn length(answer: &Response) -> Option<u64> {
    header(answer, "content-length")?.parse().ok()
}

/// Reads a whole body, which must be short.
pub(crate) async fn text(action: &'static str, answer: Response) -> Result<Bytes, StorageError> {
    let mut body = answer.into_body();
    let mut text = BytesMut::new();
    while let Some(chunk) = next(&mut body).await.map_err(failed(action))? {
        if text.len() + chunk.len() > LONGEST {
            return Err(unavailable(action, "the answer is too long"));
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text.freeze())
}

/// Reads a whole body as JSON.
pub(crate) async fn json<T: DeserializeOwned>(
    action: &'static str,
    answer: Response,
) -> Result<T, StorageError> {
    let text = text(action, answer).await?;
    read_json(&text).map_err(|error| unavailable(action, error))
}

/// Reads a body to its end, so that its connection can be used again.
pub(crate) async fn no_content(action: &'static str, answer: Response) -> Result<(), StorageError> {
    text(action, answer).await.map(drop)
}

/// Streams a body.
pub(crate) fn stream(answer: Response) -> ByteStream {
    Box::pin(stream::try_unfold(
        answer.into_body(),
        |mut body| async move {
            let chunk = next(&mut body).await.map_err(failed("read"))?;
            Ok(chunk.map(|chunk| (chunk, body)))
        },
    ))
}

async fn next(body: &mut Incoming) -> Result<Option<Bytes>, BoxError> {
    loop {
        let Some(frame) = timeout(STALLED, body.frame()).await? else {
            return Ok(None);
        };
        if let Ok(data) = frame?.into_data()
            && !data.is_empty()
        {
            return Ok(Some(data));
        }
    }
}

fn failed(action: &'static str) -> impl Fn(BoxError) -> StorageError {
    move |source| StorageError::Unavailable { action, source }
}

fn unavailable(action: &'static str, source: impl Into<BoxError>) -> StorageError {
    failed(action)(source.into())
}
