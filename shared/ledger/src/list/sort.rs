//! The orders that a list can have.

use std::fmt;
use std::str::FromStr;

/// What documents are ordered by; those that are alike in it by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SortKey {
    /// When they were accepted.
    CreatedAt,
    /// When they changed last.
    UpdatedAt,
    /// Their names, by code point.
    Name,
    /// Their lengths.
    Size,
}

impl SortKey {
    /// Every key.
    pub const ALL: [Self; 4] = [Self::CreatedAt, Self::UpdatedAt, Self::Name, Self::Size];

    /// The word for it, which is the column's name as well.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::Name => "name",
            Self::Size => "size_bytes",
        }
    }
}

/// The order of a list, written as a key with `-` in front for the highest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sort {
    /// What is compared.
    pub key: SortKey,
    /// Whether the highest comes first.
    pub descending: bool,
}

/// Newest first.
impl Default for Sort {
    fn default() -> Self {
        Self {
            key: SortKey::CreatedAt,
            descending: true,
        }
    }
}

/// A text that names no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be created_at, updated_at, name or size_bytes, with '-' in front for descending")]
pub struct UnknownSort;

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.descending { "-" } else { "" };
        write!(f, "{sign}{}", self.key.as_str())
    }
}

impl FromStr for Sort {
    type Err = UnknownSort;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (word, descending) = match text.strip_prefix('-') {
            Some(word) => (word, true),
            None => (text, false),
        };
        let key = SortKey::ALL.into_iter().find(|key| key.as_str() == word);
        key.map(|key| Self { key, descending }).ok_or(UnknownSort)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_written_as_it_is_read() {
        for key in SortKey::ALL {
            for descending in [false, true] {
                let sort = Sort { key, descending };
                assert_eq!(sort.to_string().parse(), Ok(sort));
            }
        }
        assert_eq!(Sort::default().to_string(), "-created_at");
        for wrong in ["", "-", "size", "--name", "+name", "Name"] {
            assert_eq!(wrong.parse::<Sort>(), Err(UnknownSort), "{wrong}");
        }
    }
}
