//! A resumable upload: a session of the service, which is cancelled unless completed.
//!
//! A chunk of which the answer was lost is sent again. Bytes that the service has are ignored, and
//! it tells up to where it has them, so a session continues there. Sessions can't be listed; the
//! service drops them after a week, and until then they are not visible and cost nothing.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::json;
use tokio::runtime::Handle;
use url::Url;

use super::bucket::Bucket;
use super::outcome::{Answer, Object, refusal};
use crate::StorageError;
use crate::port::PRESIGNED_CACHE;
use crate::rest::{Call, Response, header, json, no_content};

/// How often in a row the service may keep nothing of a chunk.
const IDLE: u32 = 4;

/// The type of all objects: readers get the type of the document.
pub(super) const TYPE: &str = "application/octet-stream";

/// An upload in progress, cancelled in the background if dropped.
pub(super) struct Session {
    bucket: Arc<Bucket>,
    name: String,
    /// Until it is completed or cancelled.
    url: Option<Url>,
}

impl Session {
    /// Opens a session for the object `name`.
    pub(super) async fn begin(bucket: &Arc<Bucket>, name: &str) -> Result<Self, StorageError> {
        let url = bucket.upload_url(&[("uploadType", "resumable"), ("name", name)]);
        let metadata = json!({"cacheControl": PRESIGNED_CACHE, "contentType": TYPE}).to_string();
        let call = Call::new("begin a write", Method::POST, url);
        let call = call
            .header("content-type", "application/json; charset=UTF-8")
            .header("x-upload-content-type", TYPE)
            .body(Bytes::from(metadata));
        let answer = bucket.send(&call).await?;
        if !answer.status().is_success() {
            return Err(refusal(call.action, answer).await);
        }
        let location = header(&answer, "location").map(str::to_owned);
        no_content(call.action, answer).await?;
        let location = location.ok_or_else(|| call.failed("the service opened no session"))?;
        let url = bucket
            .session_url(&location)
            .map_err(|error| call.failed(error))?;
        Ok(Self {
            bucket: Arc::clone(bucket),
            name: name.to_owned(),
            url: Some(url),
        })
    }

    /// Sends a chunk, of which the first byte has the offset `start`. More follow.
    pub(super) async fn send(&self, start: u64, mut chunk: Bytes) -> Result<(), StorageError> {
        let (mut start, mut idle) = (start, 0);
        while !chunk.is_empty() {
            let end = start + chunk.len() as u64;
            let range = format!("bytes {start}-{}/*", end - 1);
            let call = self.call("write a part", range).body(chunk.clone());
            let answer = self.bucket.send(&call).await?;
            if answer.status() != StatusCode::PERMANENT_REDIRECT {
                return Err(refusal(call.action, answer).await);
            }
            let kept = kept(&answer);
            no_content(call.action, answer).await?;
            idle = if kept == start { idle + 1 } else { 0 };
            if kept < start || kept > end || idle == IDLE {
                return Err(call.failed("the service keeps other bytes than it was sent"));
            }
            let length = usize::try_from(kept - start).unwrap_or(usize::MAX);
            drop(chunk.split_to(length.min(chunk.len())));
            start = kept;
        }
        Ok(())
    }

    /// Sends the last chunk, and completes an object of `start` bytes and those of the chunk.
    pub(super) async fn complete(mut self, start: u64, chunk: Bytes) -> Result<(), StorageError> {
        let total = start + chunk.len() as u64;
        let range = format!("bytes {start}-{}/{total}", total - 1);
        let call = self.call("complete a write", range).body(chunk);
        let mut answer = self.bucket.send(&call).await?;
        for _ in 0..IDLE {
            if answer.status() != StatusCode::PERMANENT_REDIRECT {
                break;
            }
            // It hasn't kept the whole chunk; what it has is ignored.
            no_content(call.action, answer).await?;
            answer = self.bucket.send(&call).await?;
        }
        let size = if answer.status().is_success() {
            let object: Object = json(call.action, answer).await?;
            Some(object.stat().size.bytes())
        } else {
            // If the answer was lost and the request repeated, the session no longer exists.
            let refused = Answer::read(call.action, answer).await;
            if !matches!(refused.status(), 404 | 410) {
                return Err(refused.into_error(call.action));
            }
            self.size().await?
        };
        self.url = None;
        if size == Some(total) {
            return Ok(());
        }
        // Nothing refers to it yet.
        let gone = self
            .bucket
            .object("end a write", Method::DELETE, &self.name);
        no_content(gone.action, self.bucket.send(&gone).await?).await?;
        Err(call.failed("the service stored another length than it was sent"))
    }

    /// Drops what was sent.
    pub(super) async fn cancel(mut self) {
        if let Some(url) = self.url.take() {
            cancel(&self.bucket, url).await;
        }
    }

    fn call(&self, action: &'static str, range: String) -> Call {
        let url = self.url.clone().expect("the session is open");
        Call::new(action, Method::PUT, url).header("content-range", range)
    }

    async fn size(&self) -> Result<Option<u64>, StorageError> {
        let call = self.bucket.object("look", Method::GET, &self.name);
        let answer = self.bucket.send(&call).await?;
        if !answer.status().is_success() {
            return Err(refusal(call.action, answer).await);
        }
        let object: Object = json(call.action, answer).await?;
        Ok(Some(object.stat().size.bytes()))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let (Some(url), Ok(runtime)) = (self.url.take(), Handle::try_current()) else {
            return;
        };
        let bucket = Arc::clone(&self.bucket);
        runtime.spawn(async move { cancel(&bucket, url).await });
    }
}

async fn cancel(bucket: &Bucket, url: Url) {
    let call = Call::new("end a write", Method::DELETE, url);
    match bucket.send(&call).await {
        // The service confirms with 499.
        Ok(answer) => drop(no_content(call.action, answer).await),
        Err(error) => {
            tracing::debug!(%error, "failed to end an unfinished write; the service will");
        }
    }
}

/// Returns how many bytes from the first on the service has.
fn kept(answer: &Response) -> u64 {
    let range = header(answer, "range").and_then(|range| range.strip_prefix("bytes=0-"));
    let last = range.and_then(|last| last.parse::<u64>().ok());
    last.map_or(0, |last| last + 1)
}
