//! Metadata that contains other metadata: the same on each database.

use domain::Metadata;
use ledger::{Arrival, Database, DocumentFilter, Target, delete_document};
use serde_json::{Value, json};
use tests::ledger::{NOW, accepted, arrival, user};
use tests::on_each_database;

use super::filters::found;

fn object(value: &Value) -> Metadata {
    Metadata::try_from(value.clone()).unwrap()
}

/// What a document says, what is asked for, and whether the one contains the other.
fn contained() -> Vec<(Value, Value, bool)> {
    vec![
        (json!({"a": 1}), json!({}), true),
        (json!({}), json!({"a": null}), false),
        (json!({"a": null}), json!({"a": null}), true),
        (json!({"a": 1, "b": 2}), json!({"b": 2}), true),
        (json!({"a": 1}), json!({"a": 1.0}), true),
        (json!({"a": 1.5}), json!({"a": 1.5}), true),
        (json!({"a": -0.0}), json!({"a": 0}), true),
        (json!({"a": 0.1}), json!({"a": 0.2}), false),
        (json!({"a": 1}), json!({"a": "1"}), false),
        (json!({"a": 1}), json!({"a": true}), false),
        (json!({"a": "true"}), json!({"a": true}), false),
        (json!({"a": true}), json!({"a": true}), true),
        (json!({"a": false}), json!({"a": true}), false),
        (json!({"a": "x"}), json!({"a": "X"}), false),
        (
            json!({"a": "\"q\\\u{1f600}\n"}),
            json!({"a": "\"q\\\u{1f600}\n"}),
            true,
        ),
        (json!({"a\"b.c[0]": 1}), json!({"a\"b.c[0]": 1}), true),
        (json!({"": 1}), json!({"": 1}), true),
        (json!({"$": 1}), json!({"$": 1}), true),
        (json!({"a.b": 1}), json!({"a": {"b": 1}}), false),
        (
            json!({"a": {"b": {"c": 1, "d": 2}}}),
            json!({"a": {"b": {"c": 1}}}),
            true,
        ),
        (json!({"a": {"b": 1}}), json!({"a": {}}), true),
        (json!({"a": []}), json!({"a": {}}), false),
        (json!({"a": {}}), json!({"a": []}), false),
        (json!({"a": [1, 2, 3]}), json!({"a": [3, 1, 1]}), true),
        (json!({"a": [1, 2, 3]}), json!({"a": []}), true),
        (json!({"a": [1, 2]}), json!({"a": [3]}), false),
        (json!({"a": ["x"]}), json!({"a": "x"}), false),
        (json!({"a": "x"}), json!({"a": ["x"]}), false),
        (
            json!({"a": [{"x": 1, "y": 2}]}),
            json!({"a": [{"x": 1}, {"y": 2}]}),
            true,
        ),
        (
            json!({"a": [{"x": 1}, {"y": 2}]}),
            json!({"a": [{"x": 1, "y": 2}]}),
            false,
        ),
        (json!({"a": [[1, 2, 3], [4]]}), json!({"a": [[2, 1]]}), true),
        (json!({"a": [[1], [2]]}), json!({"a": [[1, 2]]}), false),
        (json!({"a": [[1]]}), json!({"a": [1]}), false),
        (json!({"a": [null]}), json!({"a": [null]}), true),
        (
            json!({"a": 9_007_199_254_740_993_i64}),
            json!({"a": 9_007_199_254_740_992.0}),
            false,
        ),
        (
            json!({"a": [9_007_199_254_740_993_i64]}),
            json!({"a": [9_007_199_254_740_993_i64]}),
            true,
        ),
        (json!({"a": u64::MAX}), json!({"a": u64::MAX - 1}), false),
        (json!({"a": u64::MAX}), json!({"a": u64::MAX}), true),
        (
            json!({"a": 10_000_000_000_000_000_000_u64}),
            json!({"a": 1e19}),
            true,
        ),
        (json!({"a": 1e300}), json!({"a": 1e300}), true),
        (json!({"a": "ä"}), json!({"a": "a\u{308}"}), false),
    ]
}

#[on_each_database]
async fn metadata_is_contained_as_postgres_says(db: &Database) {
    let owner = user(db, "alice").await;
    for (metadata, wanted, expected) in contained() {
        let document = accepted(
            db,
            Arrival {
                metadata: object(&metadata),
                ..arrival(owner, "x", NOW)
            },
        )
        .await;
        let filter = DocumentFilter {
            metadata: Some(object(&wanted)),
            ..DocumentFilter::default()
        };
        let found = found(db, owner, filter).await.contains(&document);
        assert_eq!(found, expected, "{metadata} @> {wanted}");
        let target = Target {
            document,
            owner,
            precondition: ledger::Precondition::None,
        };
        delete_document(db, &target, NOW, |_| vec![]).await.unwrap();
    }
}

#[on_each_database]
async fn hostile_metadata_filters_are_answered(db: &Database) {
    let owner = user(db, "alice").await;
    let mut deep = json!(1);
    for _ in 1..DocumentFilter::MAX_DEPTH {
        deep = json!([deep]);
    }
    let mut nested = json!(1);
    for _ in 1..DocumentFilter::MAX_DEPTH {
        nested = json!({"a": nested});
    }
    let wide: Vec<Value> = (1..DocumentFilter::MAX_VALUES)
        .map(|number| json!(number))
        .collect();
    for metadata in [json!({"a": deep}), json!({"a": nested}), json!({"a": wide})] {
        let document = accepted(
            db,
            Arrival {
                metadata: object(&metadata),
                ..arrival(owner, "x", NOW)
            },
        )
        .await;
        let filter = DocumentFilter {
            metadata: Some(object(&metadata)),
            ..DocumentFilter::default()
        };
        assert_eq!(found(db, owner, filter).await, [document]);
    }
}
