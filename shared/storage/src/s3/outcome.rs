//! Maps responses of S3 to results of storage.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_sdk_s3::primitives::DateTime;

use crate::{Refusal, Stat, StorageError};
use domain::{ByteSize, Timestamp};

/// Returns the error of `action`.
pub(super) fn failed<E>(action: &'static str, error: SdkError<E>) -> StorageError
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let Some(status) = status(&error) else {
        return StorageError::Unavailable {
            action,
            source: error.into(),
        };
    };
    let full = [
        "QuotaExceeded",
        "InsufficientCapacity",
        "InsufficientStorage",
        "XMinioStorageFull",
    ];
    if status == 507 || error.code().is_some_and(|code| full.contains(&code)) {
        return StorageError::Full;
    }
    let meta = error.meta();
    let answer = Refusal {
        status,
        code: meta.code().unwrap_or("without a code").to_owned(),
        request: meta.request_id().unwrap_or("without a number").to_owned(),
        message: meta.message().unwrap_or("nothing more was said").to_owned(),
    };
    StorageError::Unavailable {
        action,
        source: answer.into(),
    }
}

/// Returns an error of `action` despite a success response.
pub(super) fn odd(action: &'static str, what: &'static str) -> StorageError {
    StorageError::Unavailable {
        action,
        source: what.into(),
    }
}

/// Returns the HTTP status of an error response.
pub(super) fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|answer| answer.status().as_u16())
}

/// Returns whether the object or upload does not exist. A missing bucket is another error, though
/// HEAD doesn't distinguish it.
pub(super) fn is_missing<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    status(error) == Some(404) && error.code() != Some("NoSuchBucket")
}

/// Returns the metadata of an object.
pub(super) fn stat_of(size: Option<i64>, modified: Option<&DateTime>) -> Stat {
    Stat {
        size: ByteSize::new(size.unwrap_or_default().max(0).unsigned_abs()),
        modified_at: modified.map_or(Timestamp::from_micros(0), moment),
    }
}

/// Converts a timestamp of the service.
pub(super) fn moment(time: &DateTime) -> Timestamp {
    let micros = time.secs().saturating_mul(1_000_000);
    Timestamp::from_micros(micros.saturating_add(i64::from(time.subsec_nanos() / 1_000)))
}
