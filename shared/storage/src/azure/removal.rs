//! Removes a blob, whatever a client that could write it has done: taken a lease on it, or snapshots
//! of it.

use http::{Method, StatusCode};

use super::container::Container;
use super::outcome::{is_missing, refusal};
use super::unfinished::ENDED;
use crate::StorageError;
use crate::rest::{Response, header, no_content};

/// What is removed of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removed {
    /// The blob.
    Blob,
    /// Blocks as well that aren't part of it yet, which its deletion need not drop.
    BlobAndBlocks,
}

/// The result of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    Done,
    Leased,
}

/// Removes the blob `name`, and its snapshots.
pub(super) async fn remove(
    container: &Container,
    name: &str,
    what: Removed,
) -> Result<(), StorageError> {
    if attempt(container, name, what).await? == Attempt::Done {
        return Ok(());
    }
    break_lease(container, name).await?;
    match attempt(container, name, what).await? {
        Attempt::Done => Ok(()),
        Attempt::Leased => Err(StorageError::Unavailable {
            action: "delete",
            source: "somebody holds a lease on the blob".into(),
        }),
    }
}

async fn attempt(
    container: &Container,
    name: &str,
    what: Removed,
) -> Result<Attempt, StorageError> {
    if what == Removed::BlobAndBlocks && replace(container, name).await? == Attempt::Leased {
        return Ok(Attempt::Leased);
    }
    let call = container.call("delete", Method::DELETE, name);
    let call = call.header("x-ms-delete-snapshots", "include");
    let answer = container.send(&call).await?;
    if is_leased(&answer) {
        no_content(call.action, answer).await?;
        return Ok(Attempt::Leased);
    }
    if answer.status() == StatusCode::ACCEPTED || is_missing(&answer) {
        no_content(call.action, answer).await?;
        return Ok(Attempt::Done);
    }
    Err(refusal(call.action, answer).await)
}

/// Replaces a blob by a placeholder, and with it all blocks.
async fn replace(container: &Container, name: &str) -> Result<Attempt, StorageError> {
    let call = container.call("delete", Method::PUT, name);
    let call = call
        .header("x-ms-blob-type", "BlockBlob")
        .header(ENDED, "ended");
    let answer = container.send(&call).await?;
    let attempt = match answer.status() {
        // Of another type, or archived: such a blob has no blocks of its own.
        StatusCode::CREATED | StatusCode::CONFLICT => Attempt::Done,
        _ if is_leased(&answer) => Attempt::Leased,
        _ => return Err(refusal(call.action, answer).await),
    };
    no_content(call.action, answer).await?;
    Ok(attempt)
}

fn is_leased(answer: &Response) -> bool {
    answer.status() == StatusCode::PRECONDITION_FAILED
        && header(answer, "x-ms-error-code") == Some("LeaseIdMissing")
}

async fn break_lease(container: &Container, name: &str) -> Result<(), StorageError> {
    let call = container.call_with("break a lease", Method::PUT, name, &[("comp", "lease")]);
    let call = call
        .header("x-ms-lease-action", "break")
        .header("x-ms-lease-break-period", "0");
    let answer = container.send(&call).await?;
    match answer.status() {
        // The lease has ended meanwhile, or the blob is gone.
        StatusCode::ACCEPTED | StatusCode::CONFLICT | StatusCode::NOT_FOUND => {
            no_content(call.action, answer).await
        }
        _ => Err(refusal(call.action, answer).await),
    }
}
