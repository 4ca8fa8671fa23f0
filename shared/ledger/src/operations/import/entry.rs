//! The entry of an item of an import, as its row stores it: where in the archive its bytes are.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::verbatim_json;
use domain::ItemCode;

/// The entry of an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportEntry {
    /// Its versions, the oldest first; most have one.
    pub contents: Vec<ArchivedContent>,
    /// Whether the manifest describes it.
    #[serde(default)]
    pub is_described: bool,
    /// Its metadata, a JSON object or null.
    #[serde(default, with = "verbatim_json")]
    pub metadata: Value,
}

/// The bytes of one version, as the archive's directory describes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedContent {
    /// Offset of the local header.
    pub offset: u64,
    /// Offset of whatever follows.
    pub limit: u64,
    /// Compressed size.
    pub packed: u64,
    /// Size.
    pub size: u64,
    /// CRC-32 of the bytes.
    pub crc32: u32,
    /// Whether they are compressed.
    pub deflated: bool,
    /// CRC-32 of the name in the directory.
    pub name_crc32: u32,
    /// Length of that name.
    pub name_length: u16,
    /// The declared media type.
    pub declared_type: Option<String>,
    /// The expected digest.
    pub sha256: Option<String>,
}

/// An item found in an archive.
#[derive(Clone, Debug)]
pub struct NewImportItem {
    /// Its position in the operation.
    pub position: i64,
    /// Its name, or its path if that can't be a name.
    pub name: String,
    /// Its entry, or why it has failed.
    pub entry: Result<ImportEntry, ItemCode>,
}
