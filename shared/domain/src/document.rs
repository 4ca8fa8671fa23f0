//! Documents.

use super::{
    ByteSize, Current, DocumentId, DocumentName, Lifecycle, MediaType, Metadata, Sha256, Timestamp,
    UniqueName, UserId,
};

/// The visibility of a document. A public one has a unique name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Private.
    Private {
        /// The unique name, if any.
        unique_name: Option<UniqueName>,
    },
    /// Public under this name.
    Public {
        /// The name.
        unique_name: UniqueName,
    },
}

impl Visibility {
    /// The visibility with these parts; `None` for a public document without a name.
    #[must_use]
    pub fn new(unique_name: Option<UniqueName>, is_public: bool) -> Option<Self> {
        match (unique_name, is_public) {
            (Some(unique_name), true) => Some(Self::Public { unique_name }),
            (None, true) => None,
            (unique_name, false) => Some(Self::Private { unique_name }),
        }
    }

    /// The unique name, if there is one.
    #[must_use]
    pub const fn unique_name(&self) -> Option<&UniqueName> {
        match self {
            Self::Private { unique_name } => unique_name.as_ref(),
            Self::Public { unique_name } => Some(unique_name),
        }
    }

    /// Returns whether it is public.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        matches!(self, Self::Public { .. })
    }
}

/// A document with its current version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// Its owner.
    pub owner: UserId,
    /// Its name.
    pub name: DocumentName,
    /// Its visibility.
    pub visibility: Visibility,
    /// Metadata of its owner.
    pub metadata: Metadata,
    /// The declared media type.
    pub declared_type: Option<MediaType>,
    /// The size of the current version, or of the first while none is active.
    pub size: ByteSize,
    /// The digest of the same version.
    pub sha256: Sha256,
    /// The highest version number.
    pub latest_version: u32,
    /// Its state.
    pub lifecycle: Lifecycle,
    /// Incremented by every change visible to its owner.
    pub revision: u64,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Document {
    /// Returns the current version, if it is active.
    #[must_use]
    pub const fn active(&self) -> Option<&Current> {
        match &self.lifecycle {
            Lifecycle::Active(current) => Some(current),
            _ => None,
        }
    }
}
