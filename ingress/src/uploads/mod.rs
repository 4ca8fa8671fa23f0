//! Uploads, from their header to the transaction that accepts them. Bodies are streamed into
//! staging, never held in memory.

mod charset;
mod declared;
mod destination;
mod digest_field;
mod envelope;
mod fields;
mod form;
mod in_flight;
mod intake;
mod parameters;
mod parts;
mod receive;
mod staged;
mod texts;

pub use declared::{ArchiveUpload, MaxArchive, MaxDocument, Upload, VersionUpload, is_form};
pub use destination::{Destination, Received};
pub use fields::{NewDocument, Purpose, QueryFields};
pub use in_flight::Bounds;
pub use intake::Intake;
pub use staged::StagedBytes;

#[cfg(test)]
mod form_tests;
#[cfg(test)]
mod tests;
