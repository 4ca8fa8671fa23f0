//! Positions in an ordered list of documents: what a cursor holds.

use std::fmt;

use sea_orm::{QueryResult, Value};

use super::{Sort, SortKey};
use crate::DbError;
use domain::{Document, DocumentId};

/// A document's position in an order: the value it is ordered by, and its id. It stays valid when
/// the document is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    value: Key,
    id: DocumentId,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    Number(i64),
    Text(String),
}

impl Position {
    /// The position of `document` in the order.
    #[must_use]
    pub fn of(document: &Document, sort: Sort) -> Self {
        let value = match sort.key {
            SortKey::CreatedAt => Key::Number(document.created_at.as_micros()),
            SortKey::UpdatedAt => Key::Number(document.updated_at.as_micros()),
            SortKey::Name => Key::Text(document.name.to_string()),
            SortKey::Size => Key::Number(document.size.as_i64()),
        };
        Self {
            value,
            id: document.id,
        }
    }

    /// The position of a row of `documents` that has its id and the key of the order.
    pub(super) fn of_row(row: &QueryResult, sort: Sort) -> Result<Self, DbError> {
        let column = sort.key.as_str();
        let value = match sort.key {
            SortKey::CreatedAt | SortKey::UpdatedAt | SortKey::Size => {
                Key::Number(row.try_get("", column)?)
            }
            SortKey::Name => Key::Text(row.try_get("", column)?),
        };
        Ok(Self {
            value,
            id: DocumentId(row.try_get("", "id")?),
        })
    }

    /// The document at the position.
    pub(super) const fn document(&self) -> DocumentId {
        self.id
    }

    /// Parses a position in that order.
    #[must_use]
    pub fn read(text: &str, sort: Sort) -> Option<Self> {
        let (id, value) = text.split_once(' ')?;
        let value = match sort.key {
            SortKey::CreatedAt | SortKey::UpdatedAt | SortKey::Size => {
                Key::Number(value.parse().ok()?)
            }
            SortKey::Name => Key::Text(value.to_owned()),
        };
        Some(Self {
            value,
            id: id.parse().ok()?,
        })
    }

    /// The value and the id as parameters.
    pub(super) fn values(&self) -> [Value; 2] {
        let value = match &self.value {
            Key::Number(number) => (*number).into(),
            Key::Text(text) => text.as_str().into(),
        };
        [value, self.id.0.into()]
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Key::Number(number) => write!(f, "{} {number}", self.id),
            Key::Text(text) => write!(f, "{} {text}", self.id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;

    #[test]
    fn a_place_is_written_as_it_is_read() {
        let id = DocumentId::new(Timestamp::from_micros(0));
        let by = |word: &str| word.parse::<Sort>().unwrap();
        let name = Position {
            value: Key::Text(" a  name ".to_owned()),
            id,
        };
        assert_eq!(Position::read(&name.to_string(), by("name")), Some(name));
        let size = Position {
            value: Key::Number(-7),
            id,
        };
        assert_eq!(
            Position::read(&size.to_string(), by("-size_bytes")),
            Some(size)
        );
        for wrong in ["", "x", "x 1", &format!("{id} one"), &id.to_string()] {
            assert_eq!(Position::read(wrong, by("created_at")), None, "{wrong}");
        }
    }
}
