//! The archive format shared by exports and imports.

mod manifest;
mod stored;

pub use manifest::{FORMAT, MANIFEST, ManifestDocument, ManifestVersion, VERSIONS};
pub use stored::StoredArchive;
