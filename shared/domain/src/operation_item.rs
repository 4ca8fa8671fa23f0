//! Items of a bulk operation, and the closed list of their codes.

use std::fmt;
use std::str::FromStr;

use super::{DocumentId, IllegalTransition, ItemResult};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $detail:literal;)*) => {
        /// Why an item failed or was skipped.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ItemCode {
            $($(#[$doc])* $name,)*
        }

        impl ItemCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Returns the name of the code, as in the API and the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// A sentence for the owner of the operation, unless there is a more specific one.
            #[must_use]
            pub const fn detail(self) -> &'static str {
                match self { $(Self::$name => $detail,)* }
            }
        }
    };
}

codes! {
    /// There is no such document, or another user owns it.
    NotFound = "not_found", "There is no such document.";
    /// Its status doesn't allow it.
    IllegalTransition = "illegal_transition", "The status of the document does not allow this.";
    /// Its latest version has not failed, or its bytes are gone.
    NotRetryable = "not_retryable", "The latest version has not failed, or its bytes are gone.";
    /// Another document has the unique name.
    UniqueNameTaken = "unique_name_taken", "Another document has this unique name.";
    /// It doesn't fit into the quota.
    QuotaExceeded = "quota_exceeded", "The quota is used up.";
    /// The changes are invalid for this document.
    Invalid = "invalid", "The changes can't be applied to this document.";
    /// Skipped: there is nothing to change.
    Unchanged = "unchanged", "There was nothing to do.";
    /// Skipped: it has been changed by another request.
    RevisionMismatch = "revision_mismatch", "The document was changed since.";
    /// Skipped: the operation was cancelled.
    Cancelled = "cancelled", "The operation was cancelled before this item.";
    /// The operation ended in `error` before the result was known.
    Interrupted = "interrupted", "The operation failed before this item.";
    /// The archive has the maximum number of files.
    ArchiveFull = "archive_full", "The archive has as many files as it may have.";
    /// It has no active version to read, or doesn't accept versions.
    NotActive = "not_active", "The document is not active.";
    /// Another document has the name, and conflicts fail.
    NameTaken = "name_taken", "Another document has this name.";
    /// The name of the entry escapes the archive, or isn't a valid document name.
    UnsafeName = "unsafe_name", "The name of the entry can't be used.";
    /// The entry is a link or another special file.
    NotAFile = "not_a_file", "The entry is not a regular file.";
    /// The entry is encrypted.
    Encrypted = "encrypted", "The entry is encrypted.";
    /// The compression method of the entry isn't supported.
    UnsupportedMethod = "unsupported_method", "The compression method of the entry is not supported.";
    /// Another entry has the same name, or one that some file systems treat as the same.
    DuplicateEntry = "duplicate_entry", "Another entry of the archive has this name, or one that some systems treat as equal.";
    /// The bytes of the entry don't match the archive.
    BrokenEntry = "broken_entry", "The bytes of the entry don't match the archive.";
    /// As of a document.
    TooLarge = "too_large", "The document is larger than the service accepts.";
    /// As of a document.
    TypeNotAllowed = "type_not_allowed", "The service does not accept documents of this type.";
    /// As of a document.
    TypeMismatch = "type_mismatch", "The content contradicts its name or declared type.";
    /// The stored bytes differ from those that were accepted.
    DigestMismatch = "digest_mismatch", "The stored bytes have changed since they were accepted.";
    /// As of a document.
    UploadIncomplete = "upload_incomplete", "The staged bytes are gone or incomplete.";
    /// As of a document.
    StorageUnavailable = "storage_unavailable", "The storage could not be reached.";
    /// Anything else; the cause is in the log.
    Internal = "internal", "The document could not be processed.";
}

/// A text that is not a code of the list.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not the code of an item")]
pub struct UnknownItemCode(String);

impl FromStr for ItemCode {
    type Err = UnknownItemCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == text)
            .ok_or_else(|| UnknownItemCode(text.to_owned()))
    }
}

impl fmt::Display for ItemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an item failed or was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemReason {
    /// The code, for programs.
    pub code: ItemCode,
    /// A sentence, for people; it never contains an internal cause.
    pub detail: String,
}

impl ItemReason {
    /// Creates a reason with a specific sentence.
    #[must_use]
    pub fn new(code: ItemCode, detail: impl fmt::Display) -> Self {
        Self {
            code,
            detail: detail.to_string(),
        }
    }
}

impl From<ItemCode> for ItemReason {
    fn from(code: ItemCode) -> Self {
        Self::new(code, code.detail())
    }
}

impl From<IllegalTransition> for ItemReason {
    fn from(IllegalTransition { from, verb }: IllegalTransition) -> Self {
        let detail = format!("A document that is {from} can't {verb}.");
        Self::new(ItemCode::IllegalTransition, detail)
    }
}

/// An item of a bulk operation as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationItem {
    /// Its position in the operation, from 0.
    pub position: u32,
    /// The document; `None` before an import has created it.
    pub document: Option<DocumentId>,
    /// The name when the operation started; `None` if there was none.
    pub name: Option<String>,
    /// Its result.
    pub result: ItemResult,
    /// Why it failed or was skipped.
    pub reason: Option<ItemReason>,
}
