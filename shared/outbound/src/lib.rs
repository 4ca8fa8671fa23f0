//! HTTP requests to addresses that users name: the guarded client, and what a receiver verifies.
//!
//! A user's URL may name a host inside the operator's network, by its address or by a name that leads
//! there. So a name is resolved once, every address that it has is checked, and the connection goes to
//! a checked address. Nothing is followed, no proxy is used, and time and bytes are bounded.

mod address;
mod client;
mod error;
mod policy;
mod resolve;
mod signature;
mod target;

pub use address::is_public;
pub use client::{Answer, Client, Message};
pub use error::{CheckError, SendError};
pub use policy::Policy;
pub use signature::{SignedHeaders, signed_headers};
pub use target::{RefusedTarget, Target};
