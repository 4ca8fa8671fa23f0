//! The manifest of an archive: the properties of its documents. Exports serialize these types,
//! imports parse them piece by piece; later formats only add members.

use serde::Serialize;
use serde_json::Value;

/// The path of its entry.
pub const MANIFEST: &str = "manifest.json";

/// The folder of versions that aren't current.
pub const VERSIONS: &str = "versions";

/// The format written by exports.
pub const FORMAT: u32 = 1;

/// A document in the archive.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ManifestDocument {
    /// The entry of the current version.
    pub path: String,
    /// Its name.
    pub name: String,
    /// What the bytes are.
    pub mime_type: String,
    /// The media type declared by the client.
    pub declared_type: Option<String>,
    /// Their digest.
    pub sha256: String,
    /// How many there are.
    pub size_bytes: u64,
    /// Its metadata.
    pub metadata: Value,
    /// Its versions by number, if requested; the one at `path` is among them.
    pub versions: Vec<ManifestVersion>,
}

/// A version of a document in the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ManifestVersion {
    /// Its number.
    pub number: u32,
    /// The path of its entry.
    pub path: String,
    /// What they are.
    pub mime_type: String,
    /// The media type declared by the client.
    pub declared_type: Option<String>,
    /// Their digest.
    pub sha256: String,
    /// How many there are.
    pub size_bytes: u64,
}
