//! Why a call failed, and whether another try may help.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use http::StatusCode;
use uuid::Uuid;

use crate::types::Problem;

/// Any error.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The URL isn't one of HTTP.
    #[error("{0:?} is not an http or https URL")]
    BadUrl(String),
    /// The key has characters that a header can't have.
    #[error("the key has characters that no key has")]
    BadKey,
    /// The certificates that the system trusts can't be read.
    #[error("the trusted certificates can't be read")]
    Certificates(#[source] io::Error),
    /// The service couldn't be reached, or the connection broke.
    #[error("no answer to {request}")]
    Unreachable {
        /// The method and path.
        request: String,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// Nothing was sent or received for too long.
    #[error("no progress of {request} for {} s", .patience.as_secs())]
    TimedOut {
        /// The method and path.
        request: String,
        /// How long.
        patience: Duration,
    },
    /// The service refused the request and says why.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// Something answered that isn't the service, or the service isn't as described.
    #[error("{request} was answered {status}, which isn't as the API is described: {what}")]
    Unexpected {
        /// The method and path.
        request: String,
        /// The status of the answer.
        status: StatusCode,
        /// What is wrong with it.
        what: String,
    },
    /// The provider of a sign-in fails, or refuses it.
    #[error("the sign-in provider: {0}")]
    Provider(String),
    /// A file can't be read or written.
    #[error("{}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The reader of an upload failed.
    #[error("what is to be uploaded can't be read")]
    Reader(#[source] io::Error),
    /// A file has changed while it was uploaded.
    #[error("{} has changed while it was uploaded", .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// The document that has become of it, maybe of parts of both, if one has.
        document: Option<Uuid>,
    },
    /// What was received isn't what the service stores.
    #[error("the bytes received have the SHA-256 {found}, not {expected}")]
    DigestMismatch {
        /// The digest that the service told.
        expected: String,
        /// The digest of what was received.
        found: String,
    },
    /// A document, version or operation wasn't settled within the patience of the caller.
    #[error("{id} is still being processed after {} s", .patience.as_secs())]
    StillPending {
        /// The document or operation.
        id: Uuid,
        /// The patience of the caller.
        patience: Duration,
    },
}

impl Error {
    /// A provider that fails, with what it says.
    pub(crate) fn provider(what: impl Into<String>) -> Self {
        Self::Provider(what.into())
    }

    /// The problem, if the service refused the request.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            _ => None,
        }
    }

    /// The code of the problem, such as `not_found`, if the service refused the request.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        Some(&self.problem()?.code)
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } => true,
            Self::Refused(problem) => {
                matches!(problem.status, 429 | 502 | 503 | 504)
                    || problem.code == "idempotency_in_progress"
            }
            Self::Unexpected { status, .. } => matches!(status.as_u16(), 429 | 502 | 503 | 504),
            _ => false,
        }
    }

    /// How long the service asks to wait before another try.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.problem()?.retry_after.map(Duration::from_secs)
    }
}
