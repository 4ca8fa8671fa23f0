//! The step that detects the media type.
//!
//! - *does*: reads the bytes on a blocking thread, detects their type, and compares name and
//!   declared type with it.
//! - *safe to repeat because* it only reads, and is deterministic.
//! - *if it dies here*, nothing has changed; if it crashes its worker each time, the attempts are
//!   used up and the document ends in `error`.
//! - *on failure* of storage it is retried.

use std::io;

use domain::MediaType;
use storage::{StorageError, StorageRouter};

use super::source::{self, Stored};
use super::verify::Present;
use crate::attempt_error::AttemptError;

/// A version with its detected type.
#[derive(Debug)]
pub struct Identified<'a> {
    /// The version and its bytes.
    pub present: Present<'a>,
    /// What the bytes are.
    pub media_type: MediaType,
    /// Whether the name or the declared type contradicts it.
    pub type_mismatch: bool,
}

/// Detects the type of `present`.
pub async fn identify<'a>(
    present: Present<'a>,
    places: &StorageRouter,
) -> Result<Identified<'a>, AttemptError> {
    let Present {
        pending, upload, ..
    } = present;
    let mut bytes = match &upload.body {
        Some(body) => Stored::Whole(body.clone()),
        None => source::open(places, &present.location, pending.size).await?,
    };
    let name = upload.name.as_str().to_owned();
    let look = move || {
        let mut whole: &[u8];
        let source: &mut dyn identify::Source = match &mut bytes {
            Stored::Whole(bytes) => {
                whole = bytes;
                &mut whole
            }
            Stored::InParts(parts) => parts,
        };
        identify::identify(source, Some(&name))
    };
    let found = tokio::task::spawn_blocking(look)
        .await
        .map_err(AttemptError::internal)?
        .map_err(fault_of)?;
    let media_type: MediaType = found.media_type.parse().map_err(AttemptError::internal)?;
    let declared = upload.declared_type.as_ref();
    let name = Some(upload.name.as_str());
    let declared_otherwise = declared.is_some_and(|declared| {
        identify::contradicts(declared.as_str(), media_type.as_str(), name)
    });
    Ok(Identified {
        type_mismatch: found.mismatch || declared_otherwise,
        present,
        media_type,
    })
}

/// Unwraps the error of the source.
fn fault_of(error: io::Error) -> AttemptError {
    match error.downcast::<StorageError>() {
        Ok(error) => error.into(),
        Err(error) => AttemptError::internal(error),
    }
}
