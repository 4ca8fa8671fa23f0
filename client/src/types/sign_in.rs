//! How to sign in, and the key that comes of it.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;

/// How to sign in, besides with an API key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SignIn {
    /// The provider, if there is one.
    pub provider: Option<SignInProvider>,
}

/// The provider that people sign in with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SignInProvider {
    /// Its issuer (OpenID Connect).
    pub issuer: String,
    /// The path at the service where a browser signs in.
    pub path: String,
    /// The public client of a device flow, if programs may sign in.
    pub device_client_id: Option<String>,
    /// The scopes to ask for, separated by spaces.
    pub scopes: String,
}

/// An API key that was just made. `Debug` doesn't show the key itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NewApiKey {
    /// Its id.
    pub id: Uuid,
    /// The key, shown only now.
    pub key: String,
    /// Its name.
    pub name: Option<String>,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
}

impl fmt::Debug for NewApiKey {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("NewApiKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
