//! Uploads: one extractor for `multipart/form-data` and raw bodies, that streams and never keeps a body anywhere.

mod declared;
mod digest_field;
mod envelope;
mod fields;
mod form;
mod receive;
mod staged;

pub use declared::{MaxDocument, Upload};
pub use digest_field::{Digests, MalformedDigest};
pub use fields::{Fields, NewDocument, QueryFields};
pub use receive::{Destination, Received, read_error};
pub use staged::{StagedBytes, remove};

#[cfg(test)]
mod tests;
