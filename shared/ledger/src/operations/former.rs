//! What a document was before an operation changed it: as much as taking that back needs.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
        /// All that its owner said of it, if that was changed: as former releases kept it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<Value>,
        /// Those members of its metadata that were changed or removed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        members: Option<Value>,
        /// Those that it didn't have.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        added: Vec<String>,
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

    /// How many bytes it has as an item keeps it.
    pub fn size(&self) -> i64 {
        let text = serde_json::to_vec(self).unwrap_or_default();
        i64::try_from(text.len()).unwrap_or(i64::MAX)
    }

    /// What a document that is about to become `after` says of itself now, as far as that changes.
    pub fn sayings(before: &Document, after: &Document) -> Self {
        let (was, is) = (before.metadata.as_object(), after.metadata.as_object());
        let changed = was
            .iter()
            .filter(|(name, value)| is.get(*name) != Some(*value));
        let changed: Map<_, _> = changed
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let added = is.keys().filter(|name| !was.contains_key(*name));
        Self::Edited {
            name: before.name.to_string(),
            unique_name: before.visibility.unique_name().map(UniqueName::to_string),
            is_public: before.visibility.is_public(),
            metadata: None,
            members: (!changed.is_empty()).then(|| respelled::written(Value::Object(changed))),
            added: added.cloned().collect(),
        }
    }
}

/// An object that was kept, or what isn't one.
fn object_of(kept: Option<Value>) -> Result<Option<Map<String, Value>>, ()> {
    match kept.map(respelled::read) {
        None => Ok(None),
        Some(Some(Value::Object(object))) => Ok(Some(object)),
        Some(_) => Err(()),
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
                members,
                added,
            } => {
                let unique_name = unique_name.map(|name| name.parse()).transpose();
                let unique_name = unique_name.map_err(|_| corrupt("before"))?;
                let mut object = object_of(metadata)
                    .map_err(|()| corrupt("before"))?
                    .unwrap_or_else(|| document.metadata.as_object().clone());
                for name in &added {
                    object.remove(name);
                }
                let members = object_of(members).map_err(|()| corrupt("before"))?;
                object.extend(members.unwrap_or_default());
                Ok(WayBack::Edit(Box::new(Document {
                    name: name.parse().map_err(|_| corrupt("before"))?,
                    visibility: Visibility::new(unique_name, is_public)
                        .ok_or_else(|| corrupt("before"))?,
                    metadata: Metadata::stored(object),
                    ..document.clone()
                })))
            }
        }
    }
}
