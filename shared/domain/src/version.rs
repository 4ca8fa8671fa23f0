//! One version of a document.

use std::fmt;
use std::str::FromStr;

use url::Url;

use super::lifecycle::UnknownStatus;
use super::{
    BlobId, ByteSize, DocumentId, DocumentName, Failure, MediaType, Sha256, Timestamp, VersionId,
};

/// The status of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VersionStatus {
    /// In the pipeline.
    Pending,
    /// Passed the pipeline.
    Active,
    /// Failed.
    Error,
}

impl VersionStatus {
    /// The status as in the API and the database.
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

/// A status with its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionState {
    /// Its bytes are staged.
    Pending {
        /// Their URL.
        staged: Url,
    },
    /// Its bytes are stored.
    Active {
        /// The stored content.
        blob: BlobId,
        /// The detected media type.
        media_type: MediaType,
        /// Whether its name or declared type contradicts it.
        type_mismatch: bool,
        /// When it passed the pipeline.
        activated_at: Timestamp,
    },
    /// It failed.
    Error {
        /// The reason.
        failure: Failure,
        /// The URL of its staged bytes, if they are kept for a retry.
        staged: Option<Url>,
    },
}

/// A version of a document: uploaded bytes, and their state.
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
    /// Its length, counted during the upload.
    pub size: ByteSize,
    /// Its digest, computed during the upload.
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
