//! The mark of a place as a blob in its container.

use bytes::Bytes;
use futures::TryStreamExt;
use http::{Method, StatusCode};

use super::container::Container;
use super::outcome::{is_missing, refusal};
use crate::rest::{no_content, stream};
use crate::{Mark, Marking, StorageError, mark};
use domain::InstallationId;

/// Reads the mark under `name`; `None` if it does not exist.
pub(super) async fn mark(container: &Container, name: &str) -> Result<Option<Mark>, StorageError> {
    let call = container.call("read its mark", Method::GET, name);
    let answer = container.send(&call).await?;
    if is_missing(&answer) {
        no_content(call.action, answer).await?;
        return Ok(None);
    }
    if !answer.status().is_success() {
        return Err(refusal(call.action, answer).await);
    }
    let (mut body, mut text) = (stream(answer), Vec::new());
    while let Some(chunk) = body.try_next().await? {
        text.extend_from_slice(&chunk);
        if text.len() > mark::LONGEST {
            return Ok(Some(Mark::Unknown));
        }
    }
    Ok(Some(mark::read(&text)))
}

/// Writes the mark of `installation` under `name`.
pub(super) async fn set_mark(
    container: &Container,
    name: &str,
    installation: InstallationId,
    marking: Marking,
) -> Result<(), StorageError> {
    let mut call = container
        .call("write its mark", Method::PUT, name)
        .header("x-ms-blob-type", "BlockBlob")
        .header("content-type", "application/json")
        .body(Bytes::from(mark::written(installation)));
    if marking == Marking::First {
        call = call.header("if-none-match", "*");
    }
    let answer = container.send(&call).await?;
    match answer.status() {
        StatusCode::CREATED => no_content(call.action, answer).await,
        // It exists, or another process is writing it.
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED if marking == Marking::First => {
            no_content(call.action, answer).await
        }
        _ => Err(refusal(call.action, answer).await),
    }
}
