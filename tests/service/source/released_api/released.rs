//! Holds the description of the API against that of the last release.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::compare::incompatible_changes;
use crate::source::tables::root;

/// The description of the last release.
const RELEASED: &str = include_str!("0.1.0.json");

/// What may break clients of it, with reasons.
const ACCEPTED: &str = include_str!("accepted.txt");

fn released() -> Value {
    domain::read_json(RELEASED.as_bytes()).unwrap()
}

/// The description as it is served, which a snapshot keeps.
pub fn current() -> Value {
    let file = "ingress/src/tests/snapshots/ingress__tests__document__the_document_is_as_it_was_reviewed.snap";
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    let document = text.splitn(3, "---\n").nth(2).unwrap();
    domain::read_json(document.as_bytes()).unwrap()
}

#[test]
fn nothing_breaks_clients_of_the_last_release_but_what_was_accepted() {
    let found = incompatible_changes(&released(), &current());
    let lines = ACCEPTED.lines().map(str::trim);
    let accepted: BTreeSet<_> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    let new: Vec<_> = found.difference(&accepted).collect();
    assert!(
        new.is_empty(),
        "this breaks clients; see CONTRIBUTING.md, Change the API: {new:#?}"
    );
    let over: Vec<_> = accepted.difference(&found).collect();
    assert!(over.is_empty(), "accepted, and not so: {over:#?}");
}

#[test]
fn each_kind_of_break_is_found() {
    let released = released();
    assert!(incompatible_changes(&released, &released).is_empty());
    let edit = "/paths/~1v1~1documents~1{id}/patch";
    let list = "/paths/~1v1~1documents/get";
    let named =
        json!([{"name": "tenant", "in": "query", "required": true, "schema": {"type": "string"}}]);
    for (place, value, expected) in [
        (edit, Value::Null, "patch /v1/documents/{id}: is gone"),
        (
            "/paths/~1v1~1usage/get/parameters",
            named,
            "get /v1/usage query tenant: is required",
        ),
        (
            &format!("{list}/parameters/0/name"),
            json!("other"),
            "get /v1/documents query",
        ),
        (
            &format!("{list}/responses/200"),
            Value::Null,
            "get /v1/documents 200: is gone",
        ),
        (
            "/components/schemas/Document/properties/sha256",
            Value::Null,
            "response Document/sha256: is gone",
        ),
        (
            "/components/schemas/Document/properties/size_bytes/type",
            json!("string"),
            "response Document/size_bytes: the type is",
        ),
        (
            "/components/schemas/NewUser/properties/name/maxLength",
            json!(3),
            "request NewUser/name: maxLength is 3",
        ),
        (
            "/components/schemas/NewUser/required",
            json!(["name", "role"]),
            "request NewUser/role: is required",
        ),
    ] {
        let mut changed = released.clone();
        *changed.pointer_mut(place).expect(place) = value;
        let found = incompatible_changes(&released, &changed);
        let is_told = found.iter().any(|line| line.starts_with(expected));
        assert!(is_told, "{place}: {found:?}");
    }
    let mut widened = released.clone();
    widened["components"]["schemas"]["Document"]["properties"]["more"] = json!({"type": "string"});
    assert!(incompatible_changes(&released, &widened).is_empty());
}
