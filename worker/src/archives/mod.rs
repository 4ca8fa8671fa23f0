//! What exports and imports agree on: what an archive of ours says of its documents.

mod manifest;
mod stored;

pub use manifest::{FORMAT, MANIFEST, ManifestDocument, ManifestVersion, VERSIONS};
pub use stored::StoredArchive;
