//! The task of an operation, and how it is stored in its row's options.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::export::VersionScope;
use crate::{DbError, DocumentChanges, verbatim_json};
use domain::{Action, UniqueName};
use queue::JobKind;

/// What an operation does to each of its documents.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// Archives them.
    Archive,
    /// Restores them.
    Restore,
    /// Deletes them.
    Delete,
    /// Edits them, all in the same way.
    Update(DocumentChanges),
    /// Retries their latest versions.
    Retry,
    /// Exports them.
    Export(VersionScope),
}

impl Task {
    /// The action, as clients name it.
    #[must_use]
    pub const fn action(&self) -> Action {
        match self {
            Self::Archive => Action::Archive,
            Self::Restore => Action::Restore,
            Self::Delete => Action::Delete,
            Self::Update(_) => Action::Update,
            Self::Retry => Action::Retry,
            Self::Export(_) => Action::Export,
        }
    }

    /// The kind of its first job.
    pub(super) const fn job(&self) -> JobKind {
        match self {
            Self::Export(_) => JobKind::Export,
            _ => JobKind::RunOperation,
        }
    }

    /// The options that are stored with the action.
    pub(super) fn options(&self) -> Value {
        match self {
            Self::Update(changes) => json!({"changes": written(changes)}),
            Self::Export(scope) => json!({"versions": *scope == VersionScope::All}),
            Self::Archive | Self::Restore | Self::Delete | Self::Retry => json!({}),
        }
    }
}

/// The changes as a merge patch.
fn written(changes: &DocumentChanges) -> Value {
    let mut patch = Map::new();
    if let Some(name) = &changes.name {
        patch.insert("name".to_owned(), json!(name));
    }
    if let Some(unique_name) = &changes.unique_name {
        patch.insert("unique_name".to_owned(), json!(unique_name));
    }
    if let Some(is_public) = changes.is_public {
        patch.insert("is_public".to_owned(), json!(is_public));
    }
    if let Some(metadata) = &changes.metadata {
        patch.insert(
            "metadata".to_owned(),
            verbatim_json::encode(metadata.clone()),
        );
    }
    Value::Object(patch)
}

/// Reads the changes of an update from its options.
pub(super) fn changes(operation: Uuid, options: &Value) -> Result<DocumentChanges, DbError> {
    let corrupt = || DbError::corrupt("operations", "options", operation);
    let patch = options["changes"].as_object().ok_or_else(corrupt)?;
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(corrupt);
    let name = match patch.get("name") {
        Some(name) => Some(text(name)?.parse().map_err(|_| corrupt())?),
        None => None,
    };
    let unique_name = match patch.get("unique_name") {
        Some(Value::Null) => Some(None),
        Some(name) => Some(Some(
            text(name)?.parse::<UniqueName>().map_err(|_| corrupt())?,
        )),
        None => None,
    };
    let is_public = match patch.get("is_public") {
        Some(is_public) => Some(is_public.as_bool().ok_or_else(corrupt)?),
        None => None,
    };
    let metadata = patch.get("metadata").cloned();
    let metadata = metadata.map(|metadata| verbatim_json::decode(metadata).ok_or_else(corrupt));
    Ok(DocumentChanges {
        name,
        unique_name,
        is_public,
        metadata: metadata.transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_as_they_are_written() {
        let all = DocumentChanges {
            name: Some("new.pdf".parse().unwrap()),
            unique_name: Some(Some("new-name".parse().unwrap())),
            is_public: Some(true),
            metadata: Some(json!({"year": 2026, "draft": null})),
        };
        let unnamed = DocumentChanges {
            unique_name: Some(None),
            ..DocumentChanges::default()
        };
        for expected in [all, unnamed, DocumentChanges::default()] {
            let task = Task::Update(expected.clone());
            assert_eq!(changes(Uuid::nil(), &task.options()).unwrap(), expected);
        }
        for broken in [json!({}), json!({"changes": {"name": 7}})] {
            assert!(changes(Uuid::nil(), &broken).is_err(), "{broken}");
        }
    }
}
