//! Composes an object of others of its bucket, on the service's side.

use bytes::Bytes;
use http::Method;
use serde_json::json;

use super::bucket::Bucket;
use super::outcome::{Answer, Object};
use super::session::TYPE;
use crate::StorageError;
use crate::port::PRESIGNED_CACHE;
use crate::rest::{COPY, Call, json};

/// The most sources of one request.
pub(super) const MOST: usize = 32;

/// Composes `sources` to `name`, and returns the object; `None` if a source is missing.
pub(super) async fn compose(
    bucket: &Bucket,
    sources: &[String],
    name: &str,
) -> Result<Option<Object>, StorageError> {
    let named: Vec<_> = sources.iter().map(|name| json!({"name": name})).collect();
    let request = json!({
        "sourceObjects": named,
        "destination": {"cacheControl": PRESIGNED_CACHE, "contentType": TYPE},
    });
    let url = bucket.compose_url(name, &[("fields", "size,timeCreated")]);
    let call = Call::new("complete a write", Method::POST, url)
        .header("content-type", "application/json; charset=UTF-8")
        .body(Bytes::from(request.to_string()))
        .patience(COPY);
    let answer = bucket.send(&call).await?;
    if answer.status().is_success() {
        return json(call.action, answer).await.map(Some);
    }
    let refused = Answer::read(call.action, answer).await;
    if refused.is_missing() {
        return Ok(None);
    }
    // Emulators don't say what is wrong.
    for source in sources {
        if bucket.stat(source).await?.is_none() {
            return Ok(None);
        }
    }
    Err(refused.into_error(call.action))
}
