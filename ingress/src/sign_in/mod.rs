//! Signing in with a provider (OpenID Connect): its discovery, the code flow of the console, ID tokens of
//! `dsr`, and what comes of both, a user and a key that ends soon.

mod accounts;
mod claims;
mod error;
mod flow;
mod pending;
mod provider;

pub(crate) use accounts::SignedIn;
pub(crate) use flow::SignIn;
