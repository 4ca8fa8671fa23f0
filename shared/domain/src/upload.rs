//! Resumable uploads: what becomes of them, and the limits on them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{DocumentId, UploadId};

/// The protocol by which an upload was created, and which continues it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadProtocol {
    /// tus 1.0.0.
    Tus,
    /// Resumable Uploads for HTTP, of the IETF.
    Ietf,
    /// Signed requests, straight to the storage.
    Direct,
}

/// The status of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadStatus {
    /// It takes more bytes, or has all of them and is being finished.
    Open,
    /// It has become a document or a version, or is a partial upload with all its bytes.
    Complete,
    /// Its time is over, and its bytes are gone.
    Expired,
}

/// A text that is not a protocol or status of uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such protocol or status of uploads")]
pub struct UnknownUploadWord;

impl UploadProtocol {
    /// Returns its name in the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tus => "tus",
            Self::Ietf => "ietf",
            Self::Direct => "direct",
        }
    }
}

impl UploadStatus {
    /// Returns its name in the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Expired => "expired",
        }
    }
}

impl FromStr for UploadProtocol {
    type Err = UnknownUploadWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Tus, Self::Ietf, Self::Direct];
        let found = all.into_iter().find(|one| one.as_str() == text);
        found.ok_or(UnknownUploadWord)
    }
}

impl FromStr for UploadStatus {
    type Err = UnknownUploadWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Open, Self::Complete, Self::Expired];
        let found = all.into_iter().find(|one| one.as_str() == text);
        found.ok_or(UnknownUploadWord)
    }
}

impl fmt::Display for UploadStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An upload that becomes a document has its id.
impl From<UploadId> for DocumentId {
    fn from(id: UploadId) -> Self {
        Self(id.0)
    }
}

/// Limits of a user's resumable uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadLimits {
    /// The most of a user that are open at once, partial ones that wait to be joined included, and
    /// those with tickets not.
    pub open: u32,
    /// How long one is kept after its last byte, and how long it is known after its end.
    pub expires: Duration,
}

impl UploadLimits {
    /// The most ended uploads of a user that are known: their clients may ask how they ended.
    pub const KEPT: u32 = 1_000;

    /// The longest lifetime of a request that is signed for a direct upload: what is written by it
    /// after the upload has ended is found only then.
    pub const SIGNED: Duration = Duration::from_hours(1);

    /// The longest lifetime of a signed request.
    #[must_use]
    pub fn signed(&self) -> Duration {
        self.expires.min(Self::SIGNED)
    }

    /// The most uploads of one ticket that are open at once: a quarter of a user's, and at least one.
    #[must_use]
    pub const fn open_of_ticket(&self) -> u32 {
        if self.open < 4 { 1 } else { self.open / 4 }
    }
}

/// The defaults of the settings.
impl Default for UploadLimits {
    fn default() -> Self {
        Self {
            open: 100,
            expires: Duration::from_hours(24),
        }
    }
}
