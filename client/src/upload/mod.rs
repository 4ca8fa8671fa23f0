//! Uploads: small ones in one request, large ones in pieces that survive broken connections.

mod plain;
mod resumable;
mod source;
mod streamed;
mod target;
mod transfer;

pub use source::Source;
pub use target::{NewDocument, Target};
pub use transfer::{Transfer, Uploaded};
