//! One version of a document.

use std::fmt;
use std::str::FromStr;

use url::Url;

use super::lifecycle::UnknownStatus;
use super::{
    BlobId, ByteSize, DocumentId, DocumentName, Failure, MediaType, Sha256, Timestamp, VersionId,
};

/// A version's state as clients name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VersionStatus {
    /// In the pipeline.
    Pending,
    /// Through it.
    Active,
    /// Failed in it.
    Error,
}

impl VersionStatus {
    /// The status as clients and the database know it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for VersionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for VersionStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "pending" => Ok(Self::Pending),
            "active" => Ok(Self::Active),
            "error" => Ok(Self::Error),
            _ => Err(UnknownStatus::of(text)),
        }
    }
}

/// A version's state with what it needs, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionState {
    /// Its bytes wait in staging.
    Pending {
        /// Where they are.
        staged: Url,
    },
    /// Its bytes are stored.
    Active {
        /// The stored content.
        blob: BlobId,
        /// What the bytes are.
        media_type: MediaType,
        /// Whether name or declared type said something else.
        type_mismatch: bool,
    },
    /// It failed.
    Error {
        /// Why.
        failure: Failure,
        /// Where its bytes wait for another try, if they are kept.
        staged: Option<Url>,
    },
}

/// One version: bytes that were uploaded, and what became of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its id.
    pub id: VersionId,
    /// The document it belongs to.
    pub document: DocumentId,
    /// Its number, from 1 without gaps.
    pub number: u32,
    /// The document's name when it was uploaded.
    pub name: DocumentName,
    /// The declared media type.
    pub declared_type: Option<MediaType>,
    /// Length, counted while the bytes came in.
    pub size: ByteSize,
    /// Digest, computed while the bytes came in.
    pub sha256: Sha256,
    /// Its state.
    pub state: VersionState,
    /// When it was accepted.
    pub created_at: Timestamp,
}

impl Version {
    /// The status of its state.
    #[must_use]
    pub const fn status(&self) -> VersionStatus {
        match self.state {
            VersionState::Pending { .. } => VersionStatus::Pending,
            VersionState::Active { .. } => VersionStatus::Active,
            VersionState::Error { .. } => VersionStatus::Error,
        }
    }
}
