//! The request for a list of documents.

use super::position::Position;
use super::sort::Sort;
use domain::{ByteSize, Metadata, Status, Timestamp, TypePattern, UserId};

/// Selects the documents of an owner that meet every condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentFilter {
    /// One of these statuses.
    pub statuses: Vec<Status>,
    /// The type of the current version, or its family.
    pub media_types: Option<TypePattern>,
    /// A part of the name, whatever its letter case; no character is a wildcard.
    pub name_part: Option<String>,
    /// Whether everybody may read it.
    pub is_public: Option<bool>,
    /// Accepted later than this.
    pub created_after: Option<Timestamp>,
    /// Accepted earlier than this.
    pub created_before: Option<Timestamp>,
    /// Changed later than this.
    pub updated_after: Option<Timestamp>,
    /// Changed earlier than this.
    pub updated_before: Option<Timestamp>,
    /// At least so many bytes.
    pub min_size: Option<ByteSize>,
    /// At most so many bytes.
    pub max_size: Option<ByteSize>,
    /// What the metadata contains, in the sense of PostgreSQL's `@>`: members of objects at
    /// every depth, elements of arrays in any order, scalars of the same type and value.
    pub metadata: Option<Metadata>,
}

impl DocumentFilter {
    /// How deep objects and arrays in `metadata` may be nested. Whoever takes a filter in
    /// refuses a deeper one.
    pub const MAX_DEPTH: usize = 8;

    /// How many values `metadata` may have, at all depths: each is compared with those of many
    /// documents. Whoever takes a filter in refuses one with more.
    pub const MAX_VALUES: usize = 64;

    /// Whether `metadata` is nested deeper than that.
    #[must_use]
    pub fn is_too_deep(metadata: &Metadata) -> bool {
        metadata.depth() > Self::MAX_DEPTH
    }

    /// Whether `metadata` has more values than that.
    #[must_use]
    pub fn is_too_wide(metadata: &Metadata) -> bool {
        metadata.values() > Self::MAX_VALUES
    }
}

/// All documents but archived ones.
impl Default for DocumentFilter {
    fn default() -> Self {
        Self {
            statuses: vec![Status::Pending, Status::Active, Status::Error],
            media_types: None,
            name_part: None,
            is_public: None,
            created_after: None,
            created_before: None,
            updated_after: None,
            updated_before: None,
            min_size: None,
            max_size: None,
            metadata: None,
        }
    }
}

/// A page of an owner's documents.
#[derive(Clone, Debug)]
pub struct ListRequest {
    /// Whose documents.
    pub owner: UserId,
    /// Which of them.
    pub filter: DocumentFilter,
    /// In which order.
    pub sort: Sort,
    /// The position of the last document of the page before.
    pub after: Option<Position>,
    /// The most documents.
    pub limit: u32,
}
