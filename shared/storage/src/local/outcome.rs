//! Maps results of the file system to those of storage.

use std::io::{self, ErrorKind};
use std::time::UNIX_EPOCH;

use crate::{Stat, StorageError};
use domain::{ByteSize, Timestamp};

/// Runs `work` on a blocking thread.
pub(super) async fn blocking<T: Send + 'static>(
    action: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, StorageError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome.map_err(|error| failed(action, error)),
        Err(ended) => Err(failed(action, ended.into())),
    }
}

/// Returns the error of `action`.
pub(super) fn failed(action: &'static str, error: io::Error) -> StorageError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StorageError::Full,
        _ => StorageError::Unavailable {
            action,
            source: error.into(),
        },
    }
}

/// Returns whether the error means that the object does not exist.
pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory
    )
}

/// Returns the result, or `None` if the object does not exist.
pub(super) fn unless_missing<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the metadata of a regular file; `None` for anything else.
pub(super) fn stat_of(metadata: &std::fs::Metadata) -> io::Result<Option<Stat>> {
    if !metadata.is_file() {
        return Ok(None);
    }
    let age = metadata
        .modified()?
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let micros = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
    Ok(Some(Stat {
        size: ByteSize::new(metadata.len()),
        modified_at: Timestamp::from_micros(micros),
    }))
}
