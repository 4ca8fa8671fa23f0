//! The closed list of reasons why a document ends in `error`.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, retryable: $retryable:literal, $detail:literal;)*) => {
        /// Why a document is in `error`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Returns the name of the code, as in the API and the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Returns whether a retry with the same bytes may succeed.
            #[must_use]
            pub const fn is_retryable(self) -> bool {
                match self { $(Self::$name => $retryable,)* }
            }

            /// A sentence for the owner of the document.
            #[must_use]
            pub const fn detail(self) -> &'static str {
                match self { $(Self::$name => $detail,)* }
            }
        }
    };
}

codes! {
    /// The document exceeds the size limit.
    TooLarge = "too_large", retryable: false, "The document is larger than the service accepts.";
    /// The detected type is not allowed.
    TypeNotAllowed = "type_not_allowed", retryable: false, "The service does not accept documents of this type.";
    /// Name or declared type contradict the content, and the operator's policy rejects that.
    TypeMismatch = "type_mismatch", retryable: false, "The content contradicts its name or declared type.";
    /// The owner's quota is used up.
    QuotaExceeded = "quota_exceeded", retryable: true, "The quota of the owner is used up.";
    /// The staged bytes differ from those that were accepted.
    DigestMismatch = "digest_mismatch", retryable: false, "The staged bytes have changed since they were accepted.";
    /// The staged bytes are missing or truncated.
    UploadIncomplete = "upload_incomplete", retryable: true, "The staged bytes are gone or incomplete.";
    /// Storage failed on all attempts.
    StorageUnavailable = "storage_unavailable", retryable: true, "The storage could not be reached.";
    /// Anything else; the cause is in the log.
    Internal = "internal", retryable: true, "The document could not be processed.";
}

/// What happens to the staged bytes of a failed version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Kept: a retry may succeed.
    ForAnotherTry,
    /// Kept while small: a retry can only succeed if the operator's policy changes.
    WhileFew,
    /// Discarded: no retry can succeed.
    Never,
}

impl ErrorCode {
    /// Returns what happens to the staged bytes of a version that failed with this code.
    #[must_use]
    pub const fn keeping(self) -> Keeping {
        match self {
            Self::TooLarge | Self::TypeNotAllowed | Self::TypeMismatch => Keeping::WhileFew,
            Self::DigestMismatch => Keeping::Never,
            // Storage may be wrong when it says that bytes are gone.
            Self::UploadIncomplete
            | Self::QuotaExceeded
            | Self::StorageUnavailable
            | Self::Internal => Keeping::ForAnotherTry,
        }
    }
}

/// A text that is not a code of the list.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an error code of a document")]
pub struct UnknownErrorCode(String);

impl FromStr for ErrorCode {
    type Err = UnknownErrorCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == text)
            .ok_or_else(|| UnknownErrorCode(text.to_owned()))
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Why a version or a document failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The code, for programs.
    pub code: ErrorCode,
    /// A sentence, for people; it never contains an internal cause.
    pub detail: String,
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self {
            code,
            detail: code.detail().to_owned(),
        }
    }
}
