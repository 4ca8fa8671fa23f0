//! What is rare is found through an index, and what is common along the order: the answers are
//! those of the plain conditions, on each database, whatever the names and the metadata hold.

use std::collections::BTreeSet;

use domain::{Document, DocumentId, Metadata, OperationId, RunMode, UserId, fold};
use ledger::{
    Arrival, Database, DocumentChanges, DocumentFilter, ListRequest, NewOperation, Position,
    Precondition, Selection, Sort, Target, Task, create_operation, delete_document, edit_document,
    list_page,
};
use serde_json::{Number, Value, json};
use tests::ledger::{NOW, accepted, arrival, limits, rows, user};
use tests::on_each_database;
use tests::seed_documents::seed_documents;
use uuid::Uuid;

const NAMES: [&str; 14] = [
    "Übergröße 100%.PDF",
    "uebergroesse_100.pdf",
    "100%_100%_100%",
    "ΟΔΟΣ οδός",
    "🦀🦀🦀.txt",
    "a🦀b",
    "it's \"quoted\" AND (not) OR near*",
    "it's \"quoted\" and^ -not- {or}:near",
    "aaaaaaaaaa",
    "ab",
    "x",
    "\u{10400}\u{10401}\u{10402}",
    "\u{10428}\u{10429}\u{1042a}",
    "a\u{308}bc äbc",
];

const PARTS: [&str; 21] = [
    "",
    "a",
    "ab",
    "abc",
    "äbc",
    "SSE",
    "ß",
    "100%",
    "%_1",
    "%%%",
    "___",
    "οδος",
    "ΌΔΌΣ",
    "🦀🦀",
    "🦀🦀🦀",
    "🦀🦀🦀🦀",
    "a🦀b",
    "\"quoted\" and",
    "or near*",
    "aaaaaaaaaaa",
    "\u{10428}\u{10401}\u{10402}",
];

fn metadata() -> Vec<Value> {
    let long = "long ".repeat(100);
    vec![
        json!({}),
        json!({"a": 1, "b": "1", "c": null, "d": true, "e": "true"}),
        json!({"a": 1.0, "b": [1, 1, 1.0], "c": [null], "d": [true, "true"]}),
        json!({"a": -0.0, "b": {"a": 0}}),
        json!({"a": 1.5, "b": {"a": [1.5, [1.5, {"a": 1.5}]]}}),
        json!({"a": 1_000_000_000_000_000_000_i64, "b": 1e18}),
        json!({"a": 1e18, "b": 1_000_000_000_000_000_000_i64}),
        json!({"a": 1_000_000_000_000_000_001_i64}),
        json!({"a": u64::MAX, "b": i64::MIN, "c": 9_007_199_254_740_993_i64}),
        json!({"a": [], "b": {}, "": "", "$": "$", "a.b": "x", "a[0]": "x"}),
        json!({"a": {"b": "x"}, "b": {"a": "x"}, "a\"b": ["x", {"\\": "\u{1f600}\n"}]}),
        json!({"a": {"b": ["x"]}, "%": "_", "'": "\"", "[": {"a": "x"}}),
        json!({"a": format!("{long}1"), "b": "ä", "c": "a\u{308}"}),
        json!({"a": format!("{long}2"), "b": "Ä", (long.as_str()): "x"}),
        json!({"a": [{"b": [1, 2]}, {"b": [3]}], "b": [[1], [2]]}),
    ]
}

/// Every scalar with its surroundings, and every document as a whole.
fn questions() -> Vec<Value> {
    let mut questions = metadata();
    for document in metadata() {
        for (key, value) in document.as_object().unwrap() {
            questions.push(json!({(key.as_str()): value}));
            if let Some(first) = value.get(0) {
                questions.push(json!({(key.as_str()): [first]}));
            }
        }
    }
    questions.extend([
        json!({"a": 2}),
        json!({"x": {}}),
        json!({"a": {"b": 1}}),
        json!({"b": [[1, 2]]}),
    ]);
    questions
}

/// Floating-point numbers don't tell large ones apart: these are compared by their digits.
fn whole(number: &Number) -> Option<i128> {
    let digits = || {
        number
            .as_f64()
            .and_then(|number| format!("{number:.0}").parse().ok())
    };
    number.as_i128().or_else(digits)
}

/// Whether one contains the other.
fn contains(one: &Value, wanted: &Value) -> bool {
    match (one, wanted) {
        (Value::Object(one), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, value)| one.get(key).is_some_and(|one| contains(one, value))),
        (Value::Array(one), Value::Array(wanted)) => wanted
            .iter()
            .all(|value| one.iter().any(|one| contains(one, value))),
        (Value::Number(one), Value::Number(wanted)) => {
            one.as_f64() == wanted.as_f64() && whole(one) == whole(wanted)
        }
        _ => one == wanted,
    }
}

fn meets(document: &Document, filter: &DocumentFilter) -> bool {
    let part = filter.name_part.as_deref().map(fold);
    let named = part.is_none_or(|part| document.name.folded().contains(&part));
    let object = |metadata: &Metadata| Value::Object(metadata.as_object().clone());
    let wanted = filter.metadata.as_ref().map(object);
    named && wanted.is_none_or(|wanted| contains(&object(&document.metadata), &wanted))
}

pub fn asked(part: Option<&str>, metadata: Option<&Value>) -> DocumentFilter {
    DocumentFilter {
        name_part: part.map(str::to_owned),
        metadata: metadata.map(|metadata| Metadata::try_from(metadata.clone()).unwrap()),
        ..DocumentFilter::default()
    }
}

/// All pages of that length.
pub async fn pages(
    db: &Database,
    owner: UserId,
    filter: DocumentFilter,
    sort: &str,
    limit: u32,
) -> Vec<Document> {
    let sort: Sort = sort.parse().unwrap();
    let mut request = ListRequest {
        owner,
        filter,
        sort,
        after: None,
        limit,
    };
    let mut seen = Vec::new();
    loop {
        let page = list_page(db, &request).await.unwrap();
        let Some(last) = page.last() else { return seen };
        request.after = Some(Position::of(last, sort));
        seen.extend(page);
    }
}

/// The documents that an operation is about which is asked for by a filter.
async fn items_of_an_operation(
    db: &Database,
    owner: UserId,
    filter: DocumentFilter,
) -> BTreeSet<Uuid> {
    let new = NewOperation {
        id: OperationId::new(NOW),
        owner,
        task: Task::Archive,
        selection: Selection::Matching(filter),
        mode: RunMode::Dry,
        traceparent: None,
        at: NOW,
    };
    // None of them is ever run: there may be as many as are asked for.
    let mut room = limits().operations;
    room.open = u32::MAX;
    create_operation(db, &new, &room).await.unwrap();
    let items = "SELECT document_id FROM operation_items WHERE operation_id = $1";
    let items = rows(db, items, vec![new.id.0.into()]).await;
    items
        .iter()
        .map(|item| item.try_get_by_index(0).unwrap())
        .collect()
}

/// Asserts that every question is answered with what meets it of `all`.
async fn answers_are_right(db: &Database, owner: UserId) {
    let all = pages(db, owner, DocumentFilter::default(), "name", 200).await;
    let mut filters: Vec<_> = PARTS.map(|part| asked(Some(part), None)).into();
    for (index, question) in questions().iter().enumerate() {
        filters.push(asked(None, Some(question)));
        filters.push(asked(Some(PARTS[index % PARTS.len()]), Some(question)));
    }
    for filter in filters {
        let expected: Vec<_> = all
            .iter()
            .filter(|document| meets(document, &filter))
            .cloned()
            .collect();
        assert_eq!(
            pages(db, owner, filter.clone(), "name", 7).await,
            expected,
            "{filter:?}"
        );
        let expected: BTreeSet<_> = expected.iter().map(|document| document.id.0).collect();
        let items = items_of_an_operation(db, owner, filter.clone()).await;
        assert_eq!(items, expected, "{filter:?}");
    }
}

async fn nasty(db: &Database, owner: UserId) -> Vec<DocumentId> {
    let mut ids = Vec::new();
    for (index, metadata) in metadata().into_iter().enumerate() {
        for turn in 0..2 {
            let arrival = Arrival {
                name: NAMES[(index + turn * 5) % NAMES.len()].parse().unwrap(),
                metadata: Metadata::try_from(metadata.clone()).unwrap(),
                ..arrival(owner, "x", NOW)
            };
            ids.push(accepted(db, arrival).await);
        }
    }
    ids
}

fn target(document: DocumentId, owner: UserId) -> Target {
    Target {
        document,
        owner,
        precondition: Precondition::None,
    }
}

#[on_each_database]
async fn nasty_questions_are_answered_before_and_after_changes(db: &Database) {
    let owner = user(db, "alice").await;
    let ids = nasty(db, owner).await;
    nasty(db, user(db, "bob").await).await;
    answers_are_right(db, owner).await;
    for (index, &id) in ids.iter().enumerate() {
        let name = || Some(NAMES[(index * 3 + 1) % NAMES.len()].parse().unwrap());
        let patch = || Some(metadata()[(index * 7 + 2) % metadata().len()].clone());
        let changes = match index % 4 {
            0 => DocumentChanges {
                name: name(),
                ..DocumentChanges::default()
            },
            1 => DocumentChanges {
                metadata: patch(),
                ..DocumentChanges::default()
            },
            2 => DocumentChanges {
                name: name(),
                metadata: patch(),
                ..DocumentChanges::default()
            },
            _ => {
                delete_document(db, &target(id, owner), NOW, |_| vec![])
                    .await
                    .unwrap();
                continue;
            }
        };
        edit_document(db, &target(id, owner), changes, NOW)
            .await
            .unwrap();
    }
    answers_are_right(db, owner).await;
}

#[on_each_database]
async fn pages_of_the_rare_and_of_the_common_are_alike(db: &Database) {
    let owner = user(db, "alice").await;
    seed_documents(db, owner, 0, 3_000).await;
    for filter in [
        asked(Some("REPORT"), None),
        asked(Some("report 17"), None),
        asked(Some("report 1"), Some(&json!({"year": 2005}))),
        asked(None, Some(&json!({"year": 2005}))),
    ] {
        for sort in ["-created_at", "updated_at", "name", "-size_bytes"] {
            let mut expected = pages(db, owner, DocumentFilter::default(), sort, 200).await;
            expected.retain(|document| meets(document, &filter));
            assert!(expected.len() > 20);
            assert_eq!(
                pages(db, owner, filter.clone(), sort, 20).await,
                expected,
                "{filter:?} {sort}"
            );
        }
    }
}
