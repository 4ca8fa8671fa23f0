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
const MOST: usize = 32;

/// Composes `sources` to `name`, by way of as few objects as possible, whose names begin with `joined`.
/// `None` if a source is missing. Safe to repeat: each request has a name of its own for its result.
pub(super) async fn compose_all(
    bucket: &Bucket,
    mut sources: Vec<String>,
    joined: &str,
    name: &str,
) -> Result<Option<Object>, StorageError> {
    let mut level = 0;
    while sources.len() > MOST {
        level += 1;
        let mut targets = Vec::with_capacity(sources.len().div_ceil(MOST));
        for (number, chunk) in sources.chunks(MOST).enumerate() {
            let target = format!("{joined}-{level}-{number:06}");
            if compose(bucket, chunk, &target).await?.is_none() {
                return Ok(None);
            }
            targets.push(target);
        }
        sources = targets;
    }
    compose(bucket, &sources, name).await
}

/// Composes `sources` to `name`, and returns the object; `None` if a source is missing.
async fn compose(
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
