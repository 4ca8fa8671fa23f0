//! What each filter of a list means.

use std::time::Duration;

use domain::{ByteSize, DocumentId, Status, Timestamp, UserId, Visibility};
use ledger::{Arrival, Database, DocumentFilter, ListRequest, Sort, Target, list_page};
use tests::ledger::{NOW, accepted, active, arrival, failed, passed, settle_all, user};
use tests::on_each_database;

pub fn all(owner: UserId) -> ListRequest {
    ListRequest {
        owner,
        filter: DocumentFilter::default(),
        sort: Sort::default(),
        after: None,
        limit: 200,
    }
}

pub async fn found(db: &Database, owner: UserId, filter: DocumentFilter) -> Vec<DocumentId> {
    let request = ListRequest {
        filter,
        ..all(owner)
    };
    let mut found: Vec<_> = list_page(db, &request).await.unwrap();
    found.sort_by_key(|document| document.id);
    found.into_iter().map(|document| document.id).collect()
}

pub fn at(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn named(owner: UserId, name: &str) -> Arrival {
    Arrival {
        name: name.parse().unwrap(),
        ..arrival(owner, "x", NOW)
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
