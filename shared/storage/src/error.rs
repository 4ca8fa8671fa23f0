//! What can go wrong with storage: the backend's troubles apart from the client's.

use url::Url;

/// A backend that failed. `Unavailable` may pass on another try; the rest won't.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// There is nothing at the URL.
    #[error("nothing is stored at {url}")]
    NotFound {
        /// Where it was looked for.
        url: Url,
    },
    /// No configured place serves the URL.
    #[error("no configured storage serves {url}")]
    UnknownPlace {
        /// The URL.
        url: Url,
    },
    /// The two places of the service are neither one nor apart.
    #[error(
        "staging at {staging} and the store at {store} overlap: name the same URL or places apart"
    )]
    Overlap {
        /// Where uploads are to be staged.
        staging: String,
        /// Where documents are to be stored.
        store: String,
    },
    /// The bytes are not those that were expected.
    #[error("the bytes at {url} are not those that were accepted")]
    DigestMismatch {
        /// Where they are.
        url: Url,
    },
    /// A place doesn't carry the mark of this installation: nothing in it is destroyed.
    #[error("{place} isn't known to be this installation's")]
    NotOurs {
        /// The place.
        place: Url,
    },
    /// The backend is out of room.
    #[error("the storage is full")]
    Full,
    /// Others hold all the memory that writes may take, or all of this writer's share, for too long.
    #[error("all buffers for writes are taken")]
    Busy,
    /// The source of the bytes is so slow that others, who wait for its memory, come first.
    #[error("the source is too slow while others wait")]
    SlowSource,
    /// The backend did not answer or refused.
    #[error("storage could not {action}")]
    Unavailable {
        /// What was tried, as a verb: `write`, `open`, …
        action: &'static str,
        /// What the backend said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Why a source of bytes broke off: the sender's error, passed through untouched.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// A write that failed: by the side that sends, or by the side that stores.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The source of the bytes broke off; this is its own error.
    #[error("the source broke off")]
    Source(#[source] SourceError),
    /// The backend broke.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
