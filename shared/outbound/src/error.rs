//! Why a URL isn't registered, and why a message has no answer.

use std::time::Duration;

use crate::RefusedTarget;
use crate::resolve::Busy;

/// The time limit of a message, from the beginning of the look-up of its host to the end of the answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Why a URL isn't registered.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Nothing is sent there.
    #[error("the URL is refused")]
    Refused(#[from] RefusedTarget),
    /// As many names are looked up as may be at once.
    #[error("too many host names are being looked up")]
    Busy,
}

/// Why a message has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Nothing is sent there.
    #[error("the URL is refused")]
    Refused(#[from] RefusedTarget),
    /// No address can be connected to.
    #[error("could not connect")]
    Connect(#[source] std::io::Error),
    /// The certificate is not valid, or TLS failed otherwise.
    #[error("could not agree on TLS")]
    Tls(#[source] std::io::Error),
    /// The system trusts no authority.
    #[error("the service has no certificates of authorities")]
    NoAuthorities,
    /// The answer is no HTTP.
    #[error("could not exchange HTTP")]
    Http(#[from] hyper::Error),
    /// The request can't be written.
    #[error("could not write the request")]
    Request(#[from] http::Error),
    /// Nothing was sent: as many names are looked up as may be at once.
    #[error("too many host names are being looked up")]
    Busy,
    /// It took too long.
    #[error("no answer within {} seconds", PATIENCE.as_secs())]
    TimedOut,
}

impl From<Busy> for CheckError {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

impl From<Busy> for SendError {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}
