//! The previous state of a document that an operation changed: as much as an undo needs.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{DbError, verbatim_json};
use domain::{
    Document, Lifecycle, Metadata, Status, Timestamp, Transition, UniqueName, Visibility,
};

/// A previous state, as an item keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreviousState {
    /// It was active.
    Active,
    /// It was archived.
    Archived {
        /// Since when.
        since: Timestamp,
    },
    /// It had other properties.
    Edited {
        /// Its name.
        name: String,
        /// Its unique name.
        unique_name: Option<String>,
        /// Whether it was public.
        is_public: bool,
        /// All its metadata, as earlier releases kept it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<Value>,
        /// Metadata members that were changed or removed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        members: Option<Value>,
        /// Metadata members that were added.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        added: Vec<String>,
    },
}

impl PreviousState {
    /// The state of a document that is about to be archived or restored.
    pub const fn moved(document: &Document) -> Self {
        match &document.lifecycle {
            Lifecycle::Archived { since, .. } => Self::Archived { since: *since },
            _ => Self::Active,
        }
    }

    /// How many bytes an item keeps of it.
    pub fn size(&self) -> i64 {
        let text = serde_json::to_vec(self).unwrap_or_default();
        i64::try_from(text.len()).unwrap_or(i64::MAX)
    }

    /// The state of a document that is about to become `after`, as far as that differs.
    pub fn edited(before: &Document, after: &Document) -> Self {
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
            members: (!changed.is_empty()).then(|| verbatim_json::encode(Value::Object(changed))),
            added: added.cloned().collect(),
        }
    }
}

/// Reads an object that was kept.
fn object_of(kept: Option<Value>) -> Result<Option<Map<String, Value>>, ()> {
    match kept.map(verbatim_json::decode) {
        None => Ok(None),
        Some(Some(Value::Object(object))) => Ok(Some(object)),
        Some(_) => Err(()),
    }
}

/// How a document gets its previous state back.
#[derive(Debug)]
pub enum UndoStep {
    /// By a transition to a status, which it has had since that time.
    Move(Transition, Status, Timestamp),
    /// By an edit to this document.
    Edit(Box<Document>),
}

impl PreviousState {
    /// Returns the step that gives `document`, unchanged since, this state back.
    pub fn undo_step(self, document: &Document, now: Timestamp) -> Result<UndoStep, DbError> {
        let corrupt = |column| DbError::corrupt("operation_items", column, document.id);
        match self {
            Self::Active => Ok(UndoStep::Move(Transition::Restore, Status::Active, now)),
            Self::Archived { since } => {
                Ok(UndoStep::Move(Transition::Archive, Status::Archived, since))
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
                Ok(UndoStep::Edit(Box::new(Document {
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
