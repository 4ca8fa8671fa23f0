//! The step that finds out what the bytes are.
//!
//! - *does*: looks into the bytes, off the runtime's threads, and holds name and declared type
//!   against what they are.
//! - *safe to repeat because* it only reads, and gives the same answer everywhere.
//! - *if it dies here*, nothing has happened; if it takes its worker along each time, attempts
//!   run out and the document ends in `error`.
//! - *on failure* of storage it is tried again.

use std::io;

use domain::MediaType;
use storage::{StorageError, StorageRouter};

use super::source::{self, Stored};
use super::verify::Present;
use crate::attempt_error::AttemptError;

/// A version whose type is known.
#[derive(Debug)]
pub struct Identified<'a> {
    /// The version and its bytes.
    pub present: Present<'a>,
    /// What the bytes are.
    pub media_type: MediaType,
    /// Whether name or declared type say something else.
    pub type_mismatch: bool,
}

/// Identifies the bytes of `present`.
pub async fn identify<'a>(
    present: Present<'a>,
    places: &StorageRouter,
) -> Result<Identified<'a>, AttemptError> {
    let Present {
        pending, upload, ..
    } = present;
    let mut bytes = source::open(places, &present.location, pending.size).await?;
    let name = upload.name.as_str().to_owned();
    let look = move || {
        let source: &mut dyn identify::Source = match &mut bytes {
            Stored::Whole(bytes) => bytes,
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

/// What the source failed with comes back as it was.
fn fault_of(error: io::Error) -> AttemptError {
    match error.downcast::<StorageError>() {
        Ok(error) => error.into(),
        Err(error) => AttemptError::internal(error),
    }
}
