//! Which part may be to blame for a failed attempt: read from the errors behind it.

use std::error::Error;
use std::io;
use std::sync::Arc;

use ledger::DbError;
use storage::StorageError;

use crate::fault::Fault;

/// A part that may be away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspect {
    /// The ledger did not answer as it should.
    Database,
    /// A place did not answer as it should.
    Storage,
    /// A place said that it has no room.
    Full,
}

/// The part that may be to blame for the error that an attempt ended with, if one may be.
pub fn suspect_of(error: &(dyn Error + 'static)) -> Option<Suspect> {
    match error.downcast_ref::<Fault>() {
        Some(Fault::Retry { cause, .. }) => suspect_behind(&**cause),
        // An attempt that took too long: a place may hang. A panic has no place among these: its
        // error is the document's.
        None if error.is::<tower::timeout::error::Elapsed>() => Some(Suspect::Storage),
        Some(Fault::LeaseLost | Fault::Reject(_)) | None => None,
    }
}

fn suspect_behind(error: &(dyn Error + 'static)) -> Option<Suspect> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(suspect) = suspect_itself(error) {
            return Some(suspect);
        }
        // An I/O error hides the one that it was made of.
        let hidden = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if let Some(suspect) = hidden.and_then(|hidden| suspect_behind(hidden)) {
            return Some(suspect);
        }
        next = error.source();
    }
    None
}

fn suspect_itself(error: &(dyn Error + 'static)) -> Option<Suspect> {
    if let Some(error) = error.downcast_ref::<StorageError>() {
        return match error {
            StorageError::Full => Some(Suspect::Full),
            StorageError::Unavailable { .. } => Some(Suspect::Storage),
            _ => None,
        };
    }
    let error = error.downcast_ref::<DbError>().or_else(|| {
        let shared = error.downcast_ref::<Arc<DbError>>();
        shared.map(|error| &**error)
    })?;
    error.will_pass().then_some(Suspect::Database)
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
        let plain = Fault::from(away());
        assert_eq!(suspect_of(&plain), Some(Suspect::Storage));
        let hidden = Fault::internal(io::Error::other(away()));
        assert_eq!(suspect_of(&hidden), Some(Suspect::Storage));
        let full = Fault::from(StorageError::Full);
        assert_eq!(suspect_of(&full), Some(Suspect::Full));
    }

    #[test]
    fn the_document_itself_is_nobody_else_s_fault() {
        for fault in [
            Fault::Reject(ErrorCode::DigestMismatch),
            Fault::LeaseLost,
            Fault::internal(io::Error::other("an odd file")),
            Fault::internal("a broken archive"),
        ] {
            assert_eq!(suspect_of(&fault), None, "{fault}");
        }
    }
}
