//! Lists of documents on each database: orders, places, filters, contained metadata.

use std::time::Duration;

use domain::{ByteSize, Document, DocumentId, Metadata, Status, Timestamp, UserId, Visibility};
use ledger::{
    Arrival, Database, DocumentFilter, ListRequest, Position, Sort, Target, accept,
    delete_document, list_page,
};
use serde_json::{Value, json};
use tests::ledger::{NOW, accepted, active, arrival, failed, limits, passed, settle_all, user};
use tests::on_each_database;

const SORTS: [&str; 8] = [
    "created_at",
    "-created_at",
    "updated_at",
    "-updated_at",
    "name",
    "-name",
    "size_bytes",
    "-size_bytes",
];

fn all(owner: UserId) -> ListRequest {
    ListRequest {
        owner,
        filter: DocumentFilter::default(),
        sort: Sort::default(),
        after: None,
        limit: 200,
    }
}

async fn found(db: &Database, owner: UserId, filter: DocumentFilter) -> Vec<DocumentId> {
    let request = ListRequest {
        filter,
        ..all(owner)
    };
    let mut found: Vec<_> = list_page(db, &request).await.unwrap();
    found.sort_by_key(|document| document.id);
    found.into_iter().map(|document| document.id).collect()
}

/// Every page of `limit` documents; `between` is done after each.
async fn pages(
    db: &Database,
    mut request: ListRequest,
    between: impl AsyncFn(&[Document]),
) -> Vec<Document> {
    let mut seen = Vec::new();
    loop {
        let page = list_page(db, &request).await.unwrap();
        assert!(page.len() <= request.limit as usize);
        let Some(last) = page.last() else {
            return seen;
        };
        // As a cursor carries it.
        let place = Position::of(last, request.sort).to_string();
        request.after = Some(Position::read(&place, request.sort).unwrap());
        between(&page).await;
        seen.extend(page);
    }
}

fn at(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn named(owner: UserId, name: &str) -> Arrival {
    Arrival {
        name: name.parse().unwrap(),
        ..arrival(owner, "x", NOW)
    }
}

/// Twenty documents of which several share each value that they are ordered by.
async fn twenty(db: &Database, owner: UserId) {
    let names = [
        "b",
        "a",
        "ä",
        "B",
        "Z",
        "z",
        "\u{10400}",
        "\u{ffee}",
        "a b",
        "_",
    ];
    let arrivals: Vec<_> = (0..20_u64)
        .map(|index| Arrival {
            name: names[usize::try_from(index).unwrap() / 2].parse().unwrap(),
            size: ByteSize::new(index % 4),
            ..arrival(owner, &index.to_string(), at(index / 3))
        })
        .collect();
    let answers = accept(db, &limits(), &arrivals).await.unwrap();
    assert!(answers.iter().all(Result::is_ok));
}

fn in_order(documents: &mut [Document], sort: Sort) {
    documents.sort_by(|one, other| {
        let order = match sort.key.as_str() {
            "created_at" => one.created_at.cmp(&other.created_at),
            "updated_at" => one.updated_at.cmp(&other.updated_at),
            "name" => one.name.as_str().chars().cmp(other.name.as_str().chars()),
            _ => one.size.cmp(&other.size),
        };
        let order = order.then(one.id.cmp(&other.id));
        if sort.descending {
            order.reverse()
        } else {
            order
        }
    });
}

async fn delete(db: &Database, document: &Document) {
    let target = Target {
        document: document.id,
        owner: document.owner,
        precondition: ledger::Precondition::None,
    };
    delete_document(db, &target, NOW, |_| vec![]).await.unwrap();
}

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
async fn every_order_is_the_same_page_by_page(db: &Database) {
    let owner = user(db, "alice").await;
    twenty(db, owner).await;
    accepted(db, arrival(user(db, "bob").await, "not alice's", NOW)).await;
    for sort in SORTS {
        let sort: Sort = sort.parse().unwrap();
        let mut expected = list_page(db, &ListRequest { sort, ..all(owner) })
            .await
            .unwrap();
        let whole = expected.clone();
        in_order(&mut expected, sort);
        assert_eq!(whole, expected, "{sort}");
        assert_eq!(whole.len(), 20);
        for limit in [1, 3, 7, 20, 200] {
            let request = ListRequest {
                sort,
                limit,
                ..all(owner)
            };
            assert_eq!(
                pages(db, request, async |_| ()).await,
                whole,
                "{sort} by {limit}"
            );
        }
    }
}

#[on_each_database]
async fn what_comes_and_goes_meanwhile_moves_nothing_else(db: &Database) {
    for (index, sort) in SORTS.into_iter().enumerate() {
        let owner = user(db, &format!("user {index}")).await;
        twenty(db, owner).await;
        let request = ListRequest {
            sort: sort.parse().unwrap(),
            limit: 4,
            ..all(owner)
        };
        let before = pages(db, request.clone(), async |_| ()).await;
        let seen = pages(db, request, async |page: &[Document]| {
            // Gone: one that was seen, even the last, where the next page begins. New: before and behind.
            delete(db, &page[0]).await;
            if page.len() > 1 {
                delete(db, page.last().unwrap()).await;
            }
            let twins = [&page[0], page.last().unwrap()].map(|twin| Arrival {
                name: twin.name.clone(),
                size: twin.size,
                ..arrival(owner, "new", twin.created_at)
            });
            if page.iter().any(|document| before.contains(document)) {
                accept(db, &limits(), &twins).await.unwrap();
            }
        });
        let seen = seen.await;
        let old: Vec<_> = seen
            .iter()
            .filter(|document| before.contains(document))
            .cloned()
            .collect();
        assert_eq!(old, before, "{sort}");
        let mut ids: Vec<_> = seen.iter().map(|document| document.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), seen.len(), "{sort}: none twice");
    }
}

#[on_each_database]
async fn statuses_are_asked_for_one_by_one(db: &Database) {
    let owner = user(db, "alice").await;
    let readable = active(db, owner, "1").await;
    let archived = active(db, owner, "2").await;
    let target = Target {
        document: archived,
        owner,
        precondition: ledger::Precondition::None,
    };
    ledger::archive_document(db, &target, NOW).await.unwrap();
    let broken = accepted(db, arrival(owner, "3", NOW)).await;
    settle_all(db, NOW, |_| failed(domain::ErrorCode::TypeNotAllowed)).await;
    let waiting = accepted(db, arrival(owner, "4", NOW)).await;
    let with = async |statuses: &[Status]| {
        found(
            db,
            owner,
            DocumentFilter {
                statuses: statuses.to_vec(),
                ..DocumentFilter::default()
            },
        )
        .await
    };
    assert_eq!(with(&[Status::Active]).await, [readable]);
    assert_eq!(with(&[Status::Archived]).await, [archived]);
    assert_eq!(with(&[Status::Error]).await, [broken]);
    assert_eq!(with(&[Status::Pending, Status::Pending]).await, [waiting]);
    assert_eq!(with(&[Status::Pending, Status::Archived]).await.len(), 2);
    assert_eq!(with(&Status::ALL).await.len(), 4);
    assert!(with(&[]).await.is_empty());
    let default = found(db, owner, DocumentFilter::default()).await;
    assert_eq!(default.len(), 3);
    assert!(!default.contains(&archived));
}

#[on_each_database]
async fn names_are_searched_whatever_their_case(db: &Database) {
    let owner = user(db, "alice").await;
    let names = [
        "Übergröße 100%.PDF",
        "uebergroesse_100.pdf",
        "ΟΔΟΣ.txt",
        "İstanbul",
        "a*b?c",
        "STRAẞE",
        "ﬁn cafe\u{301}",
    ];
    for name in names {
        accepted(db, named(owner, name)).await;
    }
    let cases: [(&str, &[usize]); 24] = [
        ("ÜBER", &[0]),
        ("GRÖSSE", &[0]),
        ("%", &[0]),
        ("100%", &[0]),
        ("_", &[1]),
        ("_100", &[1]),
        (".pdf", &[0, 1]),
        ("οδος", &[2]),
        ("ΟΔΟΣ", &[2]),
        ("istanbul", &[3]),
        ("ISTAN", &[3]),
        ("i\u{307}s", &[3]),
        ("*", &[4]),
        ("u%e", &[]),
        ("", &[0, 1, 2, 3, 4, 5, 6]),
        ("strasse", &[5]),
        ("STRASSE", &[5]),
        ("straße", &[5]),
        ("FIN", &[6]),
        ("ﬁN", &[6]),
        ("CAFÉ", &[6]),
        ("cafe", &[]),
        ("U\u{308}BER", &[0]),
        ("οδοσ", &[2]),
    ];
    for (part, expected) in cases {
        let filter = DocumentFilter {
            name_part: Some(part.to_owned()),
            ..DocumentFilter::default()
        };
        let request = ListRequest {
            filter,
            ..all(owner)
        };
        let mut found: Vec<_> = list_page(db, &request)
            .await
            .unwrap()
            .into_iter()
            .map(|document| {
                names
                    .iter()
                    .position(|name| *name == document.name.as_str())
                    .unwrap()
            })
            .collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{part}");
    }
}

#[on_each_database]
#[expect(clippy::too_many_lines, reason = "one course of events")]
async fn bounds_of_time_exclude_and_bounds_of_size_include(db: &Database) {
    let owner = user(db, "alice").await;
    let mut ids = Vec::new();
    for size in 0..3_u64 {
        let sized = Arrival {
            size: ByteSize::new(size),
            ..arrival(owner, "x", at(size))
        };
        ids.push(accepted(db, sized).await);
    }
    let none = DocumentFilter::default;
    let size = |size| Some(ByteSize::new(size));
    let cases = [
        (
            DocumentFilter {
                created_after: Some(at(0)),
                ..none()
            },
            &ids[1..],
        ),
        (
            DocumentFilter {
                created_before: Some(at(2)),
                ..none()
            },
            &ids[..2],
        ),
        (
            DocumentFilter {
                updated_after: Some(at(1)),
                ..none()
            },
            &ids[2..],
        ),
        (
            DocumentFilter {
                updated_before: Some(at(1)),
                ..none()
            },
            &ids[..1],
        ),
        (
            DocumentFilter {
                created_after: Some(at(0)),
                updated_before: Some(at(2)),
                ..none()
            },
            &ids[1..2],
        ),
        (
            DocumentFilter {
                min_size: size(1),
                ..none()
            },
            &ids[1..],
        ),
        (
            DocumentFilter {
                max_size: size(1),
                ..none()
            },
            &ids[..2],
        ),
        (
            DocumentFilter {
                min_size: size(1),
                max_size: size(1),
                ..none()
            },
            &ids[1..2],
        ),
        (
            DocumentFilter {
                min_size: size(2),
                max_size: size(1),
                ..none()
            },
            &[],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(
            found(db, owner, filter.clone()).await,
            expected,
            "{filter:?}"
        );
    }
}

#[on_each_database]
async fn types_and_visibility_are_asked_for(db: &Database) {
    let owner = user(db, "alice").await;
    let public = accepted(
        db,
        Arrival {
            visibility: Visibility::Public {
                unique_name: "annual-report".parse().unwrap(),
            },
            ..arrival(owner, "public", NOW)
        },
    )
    .await;
    settle_all(db, NOW, passed).await;
    let waiting = accepted(db, arrival(owner, "waiting", NOW)).await;
    let typed = async |pattern: &str| {
        let media_types = Some(pattern.parse().unwrap());
        found(
            db,
            owner,
            DocumentFilter {
                media_types,
                ..DocumentFilter::default()
            },
        )
        .await
    };
    for (pattern, expected) in [
        ("application/pdf", 1),
        ("application/*", 1),
        ("*/*", 1),
        ("application/pd_", 0),
        ("app/*", 0),
        ("image/*", 0),
        ("application/pdfs", 0),
        ("APPLICATION/PDF", 1),
    ] {
        assert_eq!(typed(pattern).await.len(), expected, "{pattern}");
    }
    let visible = async |is_public| {
        found(
            db,
            owner,
            DocumentFilter {
                is_public: Some(is_public),
                ..DocumentFilter::default()
            },
        )
        .await
    };
    assert_eq!(visible(true).await, [public]);
    assert_eq!(visible(false).await, [waiting]);
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
