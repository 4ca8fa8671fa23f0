//! Uploads, from their header to the transaction that accepts them. Bodies are streamed into
//! staging; small ones stay in memory, within a bound, until that transaction stores them.

mod charset;
mod declared;
mod destination;
mod digest_field;
mod envelope;
mod fields;
mod form;
mod in_flight;
mod inline;
mod intake;
mod parameters;
mod parts;
mod receive;
mod staged;
mod texts;
mod upload_bytes;

pub use declared::{ArchiveUpload, MaxArchive, MaxDocument, Upload, VersionUpload, is_form};
pub use destination::{Destination, Received};
pub use fields::{NewDocument, Purpose, QueryFields};
pub use in_flight::Bounds;
pub use intake::Intake;
pub use parameters::file_name;
pub use staged::StagedBytes;
pub use upload_bytes::UploadBytes;

#[cfg(test)]
mod form_tests;
#[cfg(test)]
mod tests;
