//! Which outage may have caused a failed attempt, derived from its error chain.

use std::error::Error;
use std::io;
use std::sync::Arc;

use ledger::DbError;
use storage::StorageError;
use url::Url;

use crate::attempt_error::AttemptError;

/// A possible outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// The database failed.
    Database,
    /// A storage place failed.
    Storage,
    /// A storage place is full.
    StorageFull,
    /// A storage place isn't among those of the settings, which an operator mends.
    UnknownPlace,
}

/// Returns the outage that may have caused the error of an attempt, if any.
pub fn outage_of(error: &(dyn Error + 'static)) -> Option<Outage> {
    match error.downcast_ref::<AttemptError>() {
        Some(AttemptError::Retry { cause, .. }) => outage_behind(&**cause),
        // A timed-out attempt: storage may hang. A panic is not an outage; the document is at
        // fault.
        None if error.is::<tower::timeout::error::Elapsed>() => Some(Outage::Storage),
        Some(AttemptError::LeaseLost | AttemptError::Reject(_)) | None => None,
    }
}

/// Returns the URL of the object or the place that failed, if the error of an attempt names it.
pub fn url_of(error: &(dyn Error + 'static)) -> Option<Url> {
    let Some(AttemptError::Retry { cause, .. }) = error.downcast_ref::<AttemptError>() else {
        return None;
    };
    let url = |error: &(dyn Error + 'static)| {
        let error = error.downcast_ref::<StorageError>()?;
        error.url().cloned()
    };
    first_behind(&**cause, url)
}

fn outage_behind(error: &(dyn Error + 'static)) -> Option<Outage> {
    first_behind(error, outage_itself)
}

/// Returns what `find` finds first in the chain of an error.
fn first_behind<T>(
    error: &(dyn Error + 'static),
    find: fn(&(dyn Error + 'static)) -> Option<T>,
) -> Option<T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = find(error) {
            return Some(found);
        }
        // `io::Error::source` skips the error it wraps.
        let hidden = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if let Some(found) = hidden.and_then(|hidden| first_behind(hidden, find)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn outage_itself(error: &(dyn Error + 'static)) -> Option<Outage> {
    if let Some(error) = error.downcast_ref::<StorageError>() {
        return match error {
            StorageError::Full => Some(Outage::StorageFull),
            // A missing bucket, and some proxies, say this of objects that are there.
            StorageError::NotFound { .. } | StorageError::Unavailable { .. } => {
                Some(Outage::Storage)
            }
            StorageError::UnknownPlace { .. } => Some(Outage::UnknownPlace),
            _ => None,
        };
    }
    let error = error.downcast_ref::<DbError>().or_else(|| {
        let shared = error.downcast_ref::<Arc<DbError>>();
        shared.map(|error| &**error)
    })?;
    error.will_pass().then_some(Outage::Database)
}

#[cfg(test)]
mod tests {
    use domain::ErrorCode;

    use super::*;

    fn away() -> StorageError {
        StorageError::Unavailable {
            action: "write",
            source: "gone".into(),
        }
    }

    #[test]
    fn storage_is_suspected_however_deep_its_error_lies() {
        let plain = AttemptError::from(away());
        assert_eq!(outage_of(&plain), Some(Outage::Storage));
        let hidden = AttemptError::internal(io::Error::other(away()));
        assert_eq!(outage_of(&hidden), Some(Outage::Storage));
        let full = AttemptError::from(StorageError::Full);
        assert_eq!(outage_of(&full), Some(Outage::StorageFull));
    }

    #[test]
    fn the_document_itself_is_nobody_else_s_fault() {
        for fault in [
            AttemptError::Reject(ErrorCode::DigestMismatch),
            AttemptError::LeaseLost,
            AttemptError::internal(io::Error::other("an odd file")),
            AttemptError::internal("a broken archive"),
        ] {
            assert_eq!(outage_of(&fault), None, "{fault}");
        }
    }
}
