//! Why nobody was signed in, and what is told of it.

use domain::{InvalidIdentity, InvalidJson};
use http::StatusCode;

use crate::auth::{IssuerUnreachable, RefusedToken};
use crate::problem::{Code, Problem};

/// A sign-in that failed. The message is for the logs of operators.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignInError {
    #[error("the provider has not been reached yet")]
    Unknown,
    #[error("the provider could not be reached")]
    Unreachable(#[from] IssuerUnreachable),
    #[error("the provider failed with status {0}")]
    Failed(StatusCode),
    #[error("the provider's answer is not what it should be")]
    Answer(#[from] InvalidJson),
    #[error("the provider names another issuer than DOSSIER_OIDC_ISSUER: {0}")]
    OtherIssuer(String),
    #[error("the provider names an endpoint that is no URL, or is without TLS: {0}")]
    Endpoint(String),
    #[error("too many people are signing in")]
    Busy,
    #[error("the browser did not begin this sign-in, or too long ago")]
    State,
    #[error("the provider refused the person, or they declined: {0}")]
    Declined(String),
    #[error("the provider refused the code with status {0}")]
    CodeRefused(StatusCode),
    #[error(transparent)]
    Token(#[from] RefusedToken),
    #[error("the token is for another client")]
    Client,
    #[error("the token belongs to another sign-in")]
    Nonce,
    #[error("the token was issued too long ago")]
    Old,
    #[error("the subject of the token can't be kept")]
    Identity(#[from] InvalidIdentity),
}

impl SignInError {
    /// Whether somebody was refused, rather than that something failed.
    pub(super) const fn is_refusal(&self) -> bool {
        !self.is_failure() && !matches!(self, Self::Busy)
    }

    const fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::Unknown
                | Self::Unreachable(_)
                | Self::Failed(_)
                | Self::Answer(_)
                | Self::OtherIssuer(_)
                | Self::Endpoint(_)
                | Self::Token(RefusedToken::Keys(_))
        )
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        let (code, detail) = match &error {
            failure if failure.is_failure() => (
                Code::Unavailable,
                "The sign-in provider can't be reached, or doesn't answer as it should; try again later.",
            ),
            SignInError::Busy => (
                Code::Overloaded,
                "Too many people are signing in; try again in a moment.",
            ),
            SignInError::State => (
                Code::Unauthorized,
                "This sign-in was not begun in this browser, or more than ten minutes ago; sign in again.",
            ),
            SignInError::Declined(_) => (
                Code::Unauthorized,
                "The sign-in provider did not let you in, or you declined; sign in again.",
            ),
            _ => (
                Code::Unauthorized,
                "The answer of the sign-in provider was not accepted; sign in again.",
            ),
        };
        Self::from(code).with_detail(detail).because(error)
    }
}
