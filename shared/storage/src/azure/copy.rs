//! Server-side copy of a blob, from any container of the account.

use std::time::Duration;

use http::{Method, StatusCode};
use tokio::time::{Instant, sleep};
use url::Url;

use super::container::Container;
use super::outcome::refusal;
use crate::StorageError;
use crate::rest::{BoxError, COPY, Response, header, no_content};

/// The interval at which a copy that takes longer is looked at.
const INTERVAL: Duration = Duration::from_millis(500);

/// The state of the copy that made a blob, or makes it.
const STATUS: &str = "x-ms-copy-status";

/// The result of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copied {
    /// The blob was copied.
    Done,
    /// The source can't be read from here; nothing was done.
    OutOfReach,
}

/// Returns whether `answer` describes a blob that is still being copied, and has not all its bytes.
pub(super) fn is_partial(answer: &Response) -> bool {
    header(answer, STATUS).is_some_and(|status| status != "success")
}

/// Copies the blob at `source` to `name`.
pub(super) async fn copy(
    container: &Container,
    source: &Url,
    name: &str,
) -> Result<Copied, StorageError> {
    let call = container.call("copy", Method::PUT, name);
    let call = call
        .header("x-ms-copy-source", source.as_str())
        .patience(COPY);
    let answer = container.send(&call).await?;
    let code = header(&answer, "x-ms-error-code");
    match (answer.status(), code) {
        (StatusCode::ACCEPTED, _) => {
            let is_done = header(&answer, STATUS) == Some("success");
            no_content(call.action, answer).await?;
            if is_done {
                return Ok(Copied::Done);
            }
        }
        // An earlier attempt of ours.
        (StatusCode::CONFLICT, Some("PendingCopyOperation")) => {
            no_content(call.action, answer).await?;
        }
        (StatusCode::NOT_FOUND | StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED, _) => {
            no_content(call.action, answer).await?;
            return Ok(Copied::OutOfReach);
        }
        _ => return Err(refusal(call.action, answer).await),
    }
    wait(container, name).await.map(|()| Copied::Done)
}

/// Drops what a client that wrote the source said of its form, such as an encoding, which readers would
/// undo.
pub(super) async fn clear_form(container: &Container, name: &str) -> Result<(), StorageError> {
    let call = container.call_with("copy", Method::PUT, name, &[("comp", "properties")]);
    let call = call.header("x-ms-blob-content-type", "application/octet-stream");
    let answer = container.send(&call).await?;
    if !answer.status().is_success() {
        return Err(refusal(call.action, answer).await);
    }
    no_content(call.action, answer).await
}

/// Waits for a copy in progress.
async fn wait(container: &Container, name: &str) -> Result<(), StorageError> {
    let call = container.call("copy", Method::HEAD, name);
    let until = Instant::now() + COPY;
    while Instant::now() < until {
        let answer = container.send(&call).await?;
        if !answer.status().is_success() {
            return Err(refusal(call.action, answer).await);
        }
        match header(&answer, STATUS) {
            Some("pending") => sleep(INTERVAL).await,
            Some("success") | None => return Ok(()),
            Some(_) => return Err(failed("the service ended the copy")),
        }
    }
    Err(failed("the copy takes too long"))
}

fn failed(what: impl Into<BoxError>) -> StorageError {
    StorageError::Unavailable {
        action: "copy",
        source: what.into(),
    }
}
