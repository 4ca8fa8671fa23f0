//! The mark of a place as an object in its bucket.

use super::client::{Bucket, written_as};
use super::outcome::{failed, is_missing, status};
use crate::{Mark, Marking, StorageError, mark};
use domain::InstallationId;

/// Reads the mark under `key`; `None` if it does not exist.
pub(super) async fn mark(bucket: &Bucket, key: &str) -> Result<Option<Mark>, StorageError> {
    let request = bucket.client.get_object().bucket(&bucket.name).key(key);
    let mut object = match request.send().await {
        Err(error) if is_missing(&error) => return Ok(None),
        answer => answer.map_err(|error| failed("read its mark", error))?,
    };
    let mut text = Vec::new();
    while let Some(chunk) = object.body.next().await {
        let chunk = chunk.map_err(|error| StorageError::Unavailable {
            action: "read its mark",
            source: error.into(),
        })?;
        text.extend_from_slice(&chunk);
        if text.len() > mark::LONGEST {
            return Ok(Some(Mark::Unknown));
        }
    }
    Ok(Some(mark::read(&text)))
}

/// Writes the mark of `installation` under `key`.
pub(super) async fn set_mark(
    bucket: &Bucket,
    key: &str,
    installation: InstallationId,
    marking: Marking,
) -> Result<(), StorageError> {
    let request = || {
        let request = bucket.client.put_object().bucket(&bucket.name).key(key);
        written_as!(bucket, request)
            .content_type("application/json")
            .body(mark::written(installation).into())
    };
    if marking == Marking::First {
        match request().if_none_match("*").send().await {
            Ok(_) => return Ok(()),
            // It exists, or another process is writing it.
            Err(error) if matches!(status(&error), Some(409 | 412)) => return Ok(()),
            // The service has no conditional writes.
            Err(error) if status(&error) == Some(501) => {}
            Err(error) => return Err(failed("write its mark", error)),
        }
    }
    let outcome = request().send().await;
    outcome
        .map(drop)
        .map_err(|error| failed("write its mark", error))
}
