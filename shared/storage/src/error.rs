//! Errors of storage: those of the backend apart from those of the source.

use url::Url;

use super::refusal::Refusal;

/// A failure of the backend. `Unavailable` may succeed on retry; the others won't.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The object does not exist.
    #[error("nothing is stored at {url}")]
    NotFound {
        /// Its URL.
        url: Url,
    },
    /// No configured place serves the URL.
    #[error("no configured storage serves {url}")]
    UnknownPlace {
        /// The URL.
        url: Url,
    },
    /// Two places overlap without being identical.
    #[error("{inner} and {outer} overlap: use the same URL or separate places")]
    Overlap {
        /// The URL of the inner place.
        inner: String,
        /// The URL of the outer place.
        outer: String,
    },
    /// The bytes don't match the expected digest.
    #[error("the bytes at {url} don't match the accepted digest")]
    DigestMismatch {
        /// Where they are.
        url: Url,
    },
    /// A place doesn't carry the mark of this installation; nothing in it is removed.
    #[error("{place} does not carry the mark of this installation")]
    NotOurs {
        /// The place.
        place: Url,
    },
    /// Another writer has taken over the object that grows.
    #[error("another writer has taken over {url}")]
    Superseded {
        /// Its URL.
        url: Url,
    },
    /// Objects can't grow in this place.
    #[error("objects can't grow at {place}")]
    NotSupported {
        /// The place.
        place: Url,
    },
    /// The backend is out of space.
    #[error("the storage is full")]
    Full,
    /// Timed out waiting for write buffers, shared or of this writer.
    #[error("all write buffers are in use")]
    Busy,
    /// The source is too slow while others wait for its buffers.
    #[error("the source is too slow while others wait")]
    SlowSource,
    /// The backend did not answer, or refused.
    #[error("storage could not {action}")]
    Unavailable {
        /// The attempted action, as a verb: `write`, `open`, …
        action: &'static str,
        /// The backend's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// An error of the backend, with the place where it happened.
#[derive(Debug, thiserror::Error)]
#[error("at {place}")]
struct AtPlace {
    place: Url,
    #[source]
    source: SourceError,
}

/// Why an object was not removed although nothing is known of it.
#[derive(Debug, thiserror::Error)]
#[error("its place didn't answer a moment ago")]
pub(crate) struct Untried;

/// Why an object that is there wasn't copied.
#[derive(Debug, thiserror::Error)]
#[error("the service refuses to copy an object that is there")]
pub(crate) struct NotCopied;

impl StorageError {
    /// Records the place of an error.
    pub(crate) fn at(self, place: &Url) -> Self {
        match self {
            Self::Unavailable { action, source } if !source.is::<AtPlace>() => {
                let place = place.clone();
                Self::Unavailable {
                    action,
                    source: AtPlace { place, source }.into(),
                }
            }
            error => error,
        }
    }

    /// Returns the URL of the object or the place that failed, if it is known.
    #[must_use]
    pub fn url(&self) -> Option<&Url> {
        match self {
            Self::NotFound { url }
            | Self::UnknownPlace { url }
            | Self::DigestMismatch { url }
            | Self::Superseded { url } => Some(url),
            Self::NotOurs { place } | Self::NotSupported { place } => Some(place),
            Self::Unavailable { source, .. } => source.downcast_ref().map(|at: &AtPlace| &at.place),
            Self::Overlap { .. } | Self::Full | Self::Busy | Self::SlowSource => None,
        }
    }

    /// Returns whether the backend answered, and refused this request: others may succeed.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        let Self::Unavailable { source, .. } = self else {
            return false;
        };
        let at = source.downcast_ref::<AtPlace>();
        let source = at.map_or(source, |at| &at.source);
        let refusal = source.downcast_ref::<Refusal>();
        refusal.is_some_and(Refusal::is_of_one_request) || source.is::<NotCopied>()
    }

    /// Returns whether the object wasn't tried, because others of its place failed.
    #[must_use]
    pub fn is_untried(&self) -> bool {
        matches!(self, Self::Unavailable { source, .. } if source.is::<Untried>())
    }

    /// Returns whether the backend didn't answer, or not as it should: others will fail as well.
    #[must_use]
    pub fn is_unanswered(&self) -> bool {
        matches!(self, Self::Unavailable { .. }) && !self.is_refusal()
    }
}

/// The error of a source of bytes, passed through unchanged.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// A failed write: because of the source or of the storage.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The source failed; this is its error.
    #[error("the source failed")]
    Source(#[source] SourceError),
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
