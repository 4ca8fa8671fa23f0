//! An item of an import as its row has it: where in the archive its bytes are.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::respelled;
use domain::ItemCode;

/// What an item is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportEntry {
    /// Its versions, the oldest first; most have one.
    pub contents: Vec<ArchivedContent>,
    /// Whether the manifest describes it.
    #[serde(default)]
    pub is_described: bool,
    /// What its owner says of it, a JSON object or nothing.
    #[serde(default, with = "respelled")]
    pub metadata: Value,
}

/// Bytes in an archive, as its directory describes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedContent {
    /// Where the header is.
    pub offset: u64,
    /// Where what follows begins.
    pub limit: u64,
    /// How many packed bytes there are.
    pub packed: u64,
    /// How many bytes they are.
    pub size: u64,
    /// Their checksum.
    pub crc32: u32,
    /// Whether they are packed.
    pub deflated: bool,
    /// The checksum of the name as it is written.
    pub name_crc32: u32,
    /// Its length.
    pub name_length: u16,
    /// What the bytes are said to be.
    pub declared_type: Option<String>,
    /// The digest that they are said to have.
    pub sha256: Option<String>,
}

/// An item that was found in an archive.
#[derive(Clone, Debug)]
pub struct NewImportItem {
    /// Its place in the operation.
    pub position: i64,
    /// Its name, or its path if that can't be a name.
    pub name: String,
    /// What it is made of, or why it isn't taken.
    pub entry: Result<ImportEntry, ItemCode>,
}
