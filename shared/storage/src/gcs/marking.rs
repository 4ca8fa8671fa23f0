//! The mark of a place as an object in its bucket.

use bytes::Bytes;
use futures::TryStreamExt;
use http::Method;

use super::bucket::Bucket;
use super::outcome::{Answer, refusal};
use super::upload::whole_if;
use crate::rest::{Call, no_content, stream};
use crate::{Mark, Marking, StorageError, mark};
use domain::InstallationId;

/// Reads the mark under `name`; `None` if it does not exist.
pub(super) async fn mark(bucket: &Bucket, name: &str) -> Result<Option<Mark>, StorageError> {
    let url = bucket.object_url(name, &[("alt", "media")]);
    let call = Call::new("read its mark", Method::GET, url);
    let answer = bucket.send(&call).await?;
    if !answer.status().is_success() {
        let answer = Answer::read(call.action, answer).await;
        if answer.is_missing() {
            return Ok(None);
        }
        return Err(answer.into_error(call.action));
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
    bucket: &Bucket,
    name: &str,
    installation: InstallationId,
    marking: Marking,
) -> Result<(), StorageError> {
    let only_new = [("ifGenerationMatch", "0")];
    let parameters = if marking == Marking::First {
        &only_new[..]
    } else {
        &[]
    };
    let text = Bytes::from(mark::written(installation));
    let call = whole_if(bucket, parameters, (name, "application/json"), text);
    let answer = bucket.send(&call).await?;
    // It exists, or another process is writing it.
    let exists = marking == Marking::First && matches!(answer.status().as_u16(), 409 | 412);
    if answer.status().is_success() || exists {
        return no_content(call.action, answer).await;
    }
    Err(refusal("write its mark", answer).await)
}
