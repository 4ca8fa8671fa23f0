//! What a document was before an operation changed it: as much as taking that back needs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{DbError, respelled};
use domain::{
    Document, Lifecycle, Metadata, Status, Timestamp, Transition, UniqueName, Visibility,
};

/// A former state of a document, as an item keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Former {
    /// It was there for readers.
    Active,
    /// It was put away.
    Archived {
        /// Since when.
        since: Timestamp,
    },
    /// It was called so, and said so of itself.
    Edited {
        /// Its name.
        name: String,
        /// Its unique name.
        unique_name: Option<String>,
        /// Whether everybody could read it.
        is_public: bool,
        /// What its owner said of it, if that was changed.
        metadata: Option<Value>,
    },
}

impl Former {
    /// What a document that is about to be moved is now.
    pub const fn place(document: &Document) -> Self {
        match &document.lifecycle {
            Lifecycle::Archived { since, .. } => Self::Archived { since: *since },
            _ => Self::Active,
        }
    }

    /// What a document that is about to become `after` says of itself now.
    pub fn sayings(before: &Document, after: &Document) -> Self {
        let changed = before.metadata != after.metadata;
        Self::Edited {
            name: before.name.to_string(),
            unique_name: before.visibility.unique_name().map(UniqueName::to_string),
            is_public: before.visibility.is_public(),
            metadata: changed.then(|| {
                let object = before.metadata.as_object().clone();
                respelled::written(Value::Object(object))
            }),
        }
    }
}

/// How a document is led back.
#[derive(Debug)]
pub enum WayBack {
    /// By a verb, to a status, which it had since then.
    Move(Transition, Status, Timestamp),
    /// By an edit that makes it this.
    Edit(Box<Document>),
}

impl Former {
    /// How `document`, which was not changed since, becomes what it was.
    pub fn way_back(self, document: &Document, now: Timestamp) -> Result<WayBack, DbError> {
        let corrupt = |column| DbError::corrupt("operation_items", column, document.id);
        match self {
            Self::Active => Ok(WayBack::Move(Transition::Restore, Status::Active, now)),
            Self::Archived { since } => {
                Ok(WayBack::Move(Transition::Archive, Status::Archived, since))
            }
            Self::Edited {
                name,
                unique_name,
                is_public,
                metadata,
            } => {
                let unique_name = unique_name.map(|name| name.parse()).transpose();
                let unique_name = unique_name.map_err(|_| corrupt("before"))?;
                let metadata = match metadata.map(respelled::read) {
                    None => document.metadata.clone(),
                    Some(Some(Value::Object(object))) => Metadata::stored(object),
                    Some(_) => return Err(corrupt("before")),
                };
                Ok(WayBack::Edit(Box::new(Document {
                    name: name.parse().map_err(|_| corrupt("before"))?,
                    visibility: Visibility::new(unique_name, is_public)
                        .ok_or_else(|| corrupt("before"))?,
                    metadata,
                    ..document.clone()
                })))
            }
        }
    }
}
