//! What an upload becomes.

use uuid::Uuid;

use crate::types::Metadata;

/// A document to make.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewDocument {
    /// Its name.
    pub name: String,
    /// Its media type, as the uploader declares it.
    pub declared_type: Option<String>,
    /// The name under which it may be public.
    pub unique_name: Option<String>,
    /// Whether anybody may read it.
    pub is_public: bool,
    /// What its owner says about it.
    pub metadata: Metadata,
}

impl NewDocument {
    /// A document with this name.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }
}

/// What an upload becomes.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A document.
    Document(NewDocument),
    /// A new version of a document.
    Version {
        /// The document.
        document: Uuid,
        /// The name of the file. It stands in the description of a resumable upload alone.
        name: String,
        /// The media type, as the uploader declares it.
        declared_type: Option<String>,
    },
}

impl Target {
    /// The name of the file.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Document(new) => &new.name,
            Self::Version { name, .. } => name,
        }
    }

    /// The declared media type.
    pub(super) fn declared_type(&self) -> Option<&str> {
        match self {
            Self::Document(new) => new.declared_type.as_deref(),
            Self::Version { declared_type, .. } => declared_type.as_deref(),
        }
    }
}

impl From<NewDocument> for Target {
    fn from(new: NewDocument) -> Self {
        Self::Document(new)
    }
}
