//! Uploads: one extractor for `multipart/form-data` and raw bodies, that streams and never keeps a body anywhere.

mod declared;
mod digest_field;
mod envelope;
mod fields;
mod form;
mod parameters;
mod parts;
mod receive;
mod staged;

pub use declared::{ArchiveUpload, MaxArchive, MaxDocument, Upload, VersionUpload, is_form};
use digest_field::Digests;
pub use fields::{NewDocument, Purpose, QueryFields};
pub use receive::{Destination, Received, read_error};
pub use staged::StagedBytes;

#[cfg(test)]
mod tests;
