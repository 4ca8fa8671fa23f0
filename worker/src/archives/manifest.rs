//! The manifest: what an archive says of the documents in it beside their bytes. Exports
//! write it as these types have it, imports read it piece by piece; later formats only add to it.

use serde::Serialize;
use serde_json::Value;

/// The entry that it is.
pub const MANIFEST: &str = "manifest.json";

/// The folder of versions that readers don't get any more.
pub const VERSIONS: &str = "versions";

/// The format that is written.
pub const FORMAT: u32 = 1;

/// A document of the archive.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ManifestDocument {
    /// The entry with the bytes that readers got.
    pub path: String,
    /// Its name.
    pub name: String,
    /// What the bytes are.
    pub mime_type: String,
    /// What the client said they are.
    pub declared_type: Option<String>,
    /// Their digest.
    pub sha256: String,
    /// How many there are.
    pub size_bytes: u64,
    /// What its owner says of it.
    pub metadata: Value,
    /// Its versions by number, if they were asked for; the one at `path` is among them.
    pub versions: Vec<ManifestVersion>,
}

/// A version of a document of the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ManifestVersion {
    /// Its number.
    pub number: u32,
    /// The entry with its bytes.
    pub path: String,
    /// What they are.
    pub mime_type: String,
    /// What the client said they are.
    pub declared_type: Option<String>,
    /// Their digest.
    pub sha256: String,
    /// How many there are.
    pub size_bytes: u64,
}
