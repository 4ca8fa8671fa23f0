//! A write in blocks that is ended unless completed, and how writes are ended.
//!
//! Azure has no request that drops blocks. A blob that is written whole replaces them, so a write
//! is ended by a placeholder, which is then deleted. For other requests of ours it doesn't exist.

use std::sync::Arc;

use http::{Method, StatusCode};
use tokio::runtime::Handle;

use super::container::Container;
use super::outcome::refusal;
use crate::StorageError;
use crate::rest::{Response, header, length, no_content};

/// The metadata of a placeholder.
pub(super) const ENDED: &str = "x-ms-meta-dossier";

/// Returns whether `answer` describes the placeholder of an ended write. One with bytes was written by
/// a client that has a URL for it, and doesn't hide them.
pub(super) fn is_placeholder(answer: &Response) -> bool {
    header(answer, ENDED).is_some() && length(answer) == Some(0)
}

/// A write in progress, ended in the background if dropped. `sweep` ends what is missed.
pub(super) struct Unfinished {
    container: Arc<Container>,
    /// Until it is completed or ended.
    name: Option<String>,
}

impl Unfinished {
    /// A write to the blob `name` of which blocks may have been sent.
    pub(super) fn of(container: &Arc<Container>, name: &str) -> Self {
        Self {
            container: Arc::clone(container),
            name: Some(name.to_owned()),
        }
    }

    /// The write is complete.
    pub(super) fn complete(mut self) {
        self.name = None;
    }

    /// Drops what was sent.
    pub(super) async fn end(mut self) {
        if let Some(name) = self.name.take() {
            end_quietly(&self.container, &name).await;
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let (Some(name), Ok(runtime)) = (self.name.take(), Handle::try_current()) else {
            return;
        };
        let container = Arc::clone(&self.container);
        runtime.spawn(async move { end_quietly(&container, &name).await });
    }
}

async fn end_quietly(container: &Container, name: &str) {
    if let Err(error) = end(container, name).await {
        tracing::debug!(storage.key = name, %error, "failed to end an unfinished write; a sweep will");
    }
}

/// Drops the blocks of an unfinished write to `name`. Returns whether there was one: a blob that
/// exists stays as it is.
pub(super) async fn end(container: &Container, name: &str) -> Result<bool, StorageError> {
    let call = container.call("end a write", Method::PUT, name);
    let call = call
        .header("x-ms-blob-type", "BlockBlob")
        .header(ENDED, "ended")
        .header("if-none-match", "*");
    let answer = container.send(&call).await?;
    match answer.status() {
        StatusCode::CREATED => {
            let tag = header(&answer, "etag").map(str::to_owned);
            no_content(call.action, answer).await?;
            delete(container, name, tag.as_deref()).await?;
            Ok(true)
        }
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => {
            no_content(call.action, answer).await?;
            end_uncommitted(container, name).await
        }
        _ => Err(refusal(call.action, answer).await),
    }
}

/// Drops the blocks of a blob that can't be read and nevertheless counts as existing, as in Azurite,
/// which deletes it. A blob that exists stays.
async fn end_uncommitted(container: &Container, name: &str) -> Result<bool, StorageError> {
    let call = container.call("end a write", Method::HEAD, name);
    let answer = container.send(&call).await?;
    let is_missing = answer.status() == StatusCode::NOT_FOUND;
    no_content(call.action, answer).await?;
    if is_missing {
        delete(container, name, None).await?;
    }
    Ok(is_missing)
}

/// Deletes a placeholder, unless it has been replaced.
pub(super) async fn delete(
    container: &Container,
    name: &str,
    tag: Option<&str>,
) -> Result<(), StorageError> {
    let call = container.call("end a write", Method::DELETE, name);
    // A client that could write it may have taken some.
    let mut call = call.header("x-ms-delete-snapshots", "include");
    if let Some(tag) = tag {
        call = call.header("if-match", tag);
    }
    let answer = container.send(&call).await?;
    match answer.status() {
        StatusCode::ACCEPTED | StatusCode::NOT_FOUND | StatusCode::PRECONDITION_FAILED => {
            no_content(call.action, answer).await
        }
        _ => Err(refusal(call.action, answer).await),
    }
}
