//! A requested bulk operation.

use std::collections::HashSet;

use domain::{Action, DocumentId, Operation, RunMode};
use ledger::{DocumentChanges, DocumentFilter, Selection, Task, VersionScope};
use poem_openapi::{Enum, Object, Union};
use serde_json::Value;

use super::changes::DocumentChangesBody;
use super::filter::DocumentFilterBody;
use super::{Id, truth};
use crate::http::{Change, FromMembers, Members};

/// Operations that need no further members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "PlainAction", rename_all = "lowercase")]
pub enum PlainActionBody {
    /// Put documents away.
    Archive,
    /// Take documents back; a filter has to name the status `archived`.
    Restore,
    /// Delete documents with all versions.
    Delete,
    /// Try the latest versions again.
    Retry,
}

/// The action with changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "UpdateAction", rename_all = "lowercase")]
pub enum UpdateActionBody {
    /// Edit documents, all in the same way.
    Update,
}

/// The action that writes an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "ExportAction", rename_all = "lowercase")]
pub enum ExportActionBody {
    /// Write documents into a ZIP archive, which can be had for 24 hours.
    Export,
}

/// Documents by their ids.
#[derive(Debug, Object)]
#[oai(rename = "SelectionByIds")]
pub struct SelectionByIdsBody {
    /// The documents; duplicates count once.
    #[oai(validator(max_items = 100_000))]
    pub ids: Vec<Id<DocumentId>>,
}

/// Documents by what they are.
#[derive(Debug, Object)]
#[oai(rename = "SelectionByFilter")]
pub struct SelectionByFilterBody {
    /// Those that it means at this moment, at most 100,000.
    pub filter: DocumentFilterBody,
}

/// Which documents are meant.
#[derive(Debug, Union)]
#[oai(rename = "Selection", one_of = true)]
pub enum SelectionBody {
    /// These.
    Ids(SelectionByIdsBody),
    /// All that are so.
    Filter(SelectionByFilterBody),
}

/// Something to be done to many documents.
#[derive(Debug, Object)]
#[oai(rename = "PlainOperation")]
pub struct PlainOperationBody {
    /// What is done to each document.
    pub action: PlainActionBody,
    /// Which documents are meant.
    pub select: SelectionBody,
    /// Whether to report what would happen to each document without changing it; `false` by default.
    pub dry_run: Option<bool>,
}

/// Changes to be made to many documents.
#[derive(Debug, Object)]
#[oai(rename = "UpdateOperation")]
pub struct UpdateOperationBody {
    /// What is done to each document.
    pub action: UpdateActionBody,
    /// Which documents are meant.
    pub select: SelectionBody,
    /// Changes to each document.
    pub changes: DocumentChangesBody,
    /// Whether to report what would happen to each document without changing it; `false` by default.
    pub dry_run: Option<bool>,
}

/// Documents to be written into an archive.
#[derive(Debug, Object)]
#[oai(rename = "ExportOperation")]
pub struct ExportOperationBody {
    /// What is done to each document.
    pub action: ExportActionBody,
    /// Which documents are meant.
    pub select: SelectionBody,
    /// Whether the archive holds every active version of each document; `false` by default.
    pub versions: Option<bool>,
    /// Whether to report what would happen to each document without changing it; `false` by default.
    pub dry_run: Option<bool>,
}

/// An operation to be run.
#[derive(Debug, Union)]
#[oai(rename = "NewOperation", one_of = true)]
pub enum NewOperationBody {
    /// Whatever needs no changes.
    Plain(PlainOperationBody),
    /// An update.
    Update(UpdateOperationBody),
    /// An export.
    Export(ExportOperationBody),
}

/// The parsed request.
#[derive(Debug)]
pub struct NewOperationRequest {
    /// What to do.
    pub task: Task,
    /// To what.
    pub selection: Selection,
    /// Whether to do it.
    pub mode: RunMode,
}

impl FromMembers for NewOperationRequest {
    type Schema = NewOperationBody;

    fn take(members: &mut Members) -> Option<Self> {
        let action = members.required::<Action>("action");
        let changes = members.object("changes", DocumentChanges::take);
        let changes = members.not_null("changes", changes);
        let selection = match members.object("select", selection) {
            Change::Set(selection) => Some(selection),
            Change::Keep if members.refused("select") => None,
            Change::Keep => members.refuse("select", "is required"),
            Change::Clear => members.refuse("select", "must not be null"),
        };
        let versions = members.change_with("versions", |value| truth(&value));
        let versions = members.not_null("versions", versions);
        let dry_run = members.change_with("dry_run", |value| truth(&value));
        let dry_run = members.not_null("dry_run", dry_run);
        let task = task(action?, changes, versions, members);
        Some(Self {
            task: task?,
            selection: selection?,
            mode: if dry_run == Some(true) {
                RunMode::Dry
            } else {
                RunMode::Real
            },
        })
    }
}

fn task(
    action: Action,
    changes: Option<DocumentChanges>,
    versions: Option<bool>,
    members: &mut Members,
) -> Option<Task> {
    if versions.is_some() && action != Action::Export {
        return members.refuse("versions", "is for an export alone");
    }
    let scope = match versions {
        Some(true) => VersionScope::All,
        _ => VersionScope::Current,
    };
    let task = match (action, changes) {
        (Action::Update, Some(changes)) => return Some(Task::Update(changes)),
        (Action::Update, None) if members.refused("changes") => return None,
        (Action::Update, None) => return members.refuse("changes", "is required for an update"),
        (Action::Archive, changes) => (Task::Archive, changes),
        (Action::Restore, changes) => (Task::Restore, changes),
        (Action::Delete, changes) => (Task::Delete, changes),
        (Action::Retry, changes) => (Task::Retry, changes),
        (Action::Export, changes) => (Task::Export(scope), changes),
        (Action::Import | Action::Undo, _) => {
            return members.refuse(
                "action",
                "must be one of archive, restore, delete, update, retry, export",
            );
        }
    };
    match task {
        (task, None) => Some(task),
        (_, Some(_)) => members.refuse("changes", "is for an update alone"),
    }
}

fn selection(members: &mut Members) -> Option<Selection> {
    let named = members.value("ids");
    let filter = members.object("filter", DocumentFilter::take);
    let filter = members.not_null("filter", filter);
    match (named, filter) {
        (Some(named), None) if !members.refused("filter") => {
            ids(named, members).map(Selection::Ids)
        }
        (None, Some(filter)) => Some(Selection::Matching(filter)),
        (None, None) if members.refused("filter") => None,
        (None, None) => members.refuse("ids", "either ids or a filter is required"),
        (Some(_), _) => members.refuse("filter", "must not stand beside ids"),
    }
}

/// Parses ids, in order of first occurrence.
fn ids(named: Value, members: &mut Members) -> Option<Vec<DocumentId>> {
    let Value::Array(named) = named else {
        return members.refuse("ids", "must be an array of ids");
    };
    let (mut known, mut ids) = (HashSet::new(), Vec::new());
    for (place, id) in named.into_iter().enumerate() {
        let id = id.as_str().filter(|text| text.len() == 36);
        let Some(id) = id.and_then(|text| text.parse().ok()) else {
            let pointer = format!("{}/{place}", members.pointer("ids"));
            return members.refuse_at(pointer, "must be an id");
        };
        if known.insert(id) {
            ids.push(id);
        }
    }
    if ids.len() > Operation::MAX_ITEMS {
        return members.refuse("ids", "must not name more than 100,000 documents");
    }
    Some(ids)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::read_object;

    const ID: &str = "0192aaaa-5e1f-7c1e-9d0a-1b2c3d4e5f60";
    const OTHER: &str = "0192aaaa-5e1f-7c1e-9d0a-1b2c3d4e5f61";

    fn read(body: &Value) -> Result<NewOperationRequest, Vec<String>> {
        let read = read_object(body.to_string().as_bytes());
        read.map_err(|problem| problem.pointers_for_tests())
    }

    #[test]
    fn a_document_that_is_named_twice_counts_once_where_it_came_first() {
        let body =
            json!({"action": "archive", "select": {"ids": [OTHER, ID, OTHER]}, "dry_run": true});
        let read = read(&body).unwrap();
        assert_eq!((read.task, read.mode), (Task::Archive, RunMode::Dry));
        let expected = [OTHER, ID].map(|id| id.parse().unwrap());
        assert_eq!(read.selection, Selection::Ids(expected.to_vec()));
    }

    #[test]
    fn every_bad_member_is_named() {
        for (body, pointers) in [
            (json!({}), vec!["/action", "/select"]),
            (json!({"action": "archive"}), vec!["/select"]),
            (
                json!({"action": "archive", "select": null}),
                vec!["/select"],
            ),
            (
                json!({"action": "archive", "select": {}}),
                vec!["/select/ids"],
            ),
            (
                json!({"action": "archive", "select": {"ids": "x"}}),
                vec!["/select/ids"],
            ),
            (
                json!({"action": "archive", "select": {"ids": [ID, "x"]}}),
                vec!["/select/ids/1"],
            ),
            (
                json!({"action": "archive", "select": {"ids": [], "filter": {}}}),
                vec!["/select/filter"],
            ),
            (
                json!({"action": "archive", "select": {"filter": {"x": 1}}}),
                vec!["/select/filter/x"],
            ),
            (
                json!({"action": "archive", "select": {"ids": []}, "changes": {}}),
                vec!["/changes"],
            ),
            (
                json!({"action": "archive", "select": {"ids": []}, "x": 1, "dry_run": 1}),
                vec!["/dry_run", "/x"],
            ),
            (
                json!({"action": "archive", "select": {"ids": []}, "versions": true}),
                vec!["/versions"],
            ),
            (
                json!({"action": "export", "select": {"ids": []}, "versions": null}),
                vec!["/versions"],
            ),
            (
                json!({"action": "update", "select": {"ids": []}}),
                vec!["/changes"],
            ),
            (
                json!({"action": "update", "select": {"ids": []}, "changes": {"name": ""}}),
                vec!["/changes/name"],
            ),
            (
                json!({"action": "undo", "select": {"ids": []}}),
                vec!["/action"],
            ),
            (
                json!({"action": "burn", "select": {"ids": []}}),
                vec!["/action"],
            ),
        ] {
            assert_eq!(read(&body).unwrap_err(), pointers, "{body}");
        }
    }

    #[test]
    fn a_bad_member_of_the_changes_is_named_by_its_pointer() {
        let body =
            json!({"action": "update", "select": {"ids": []}, "changes": {"unique_name": "NO"}});
        assert_eq!(read(&body).unwrap_err(), ["/changes/unique_name"]);
    }
}
