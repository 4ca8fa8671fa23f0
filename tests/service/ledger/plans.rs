//! How pages of a long list are found on each database: through an index, in its order, and
//! without passing what isn't asked for.

use domain::{Metadata, Status, UserId};
use ledger::{Database, DocumentFilter, ListRequest, Position, explain_page};
use sea_orm::DbBackend;
use serde_json::json;
use tests::ledger::user;
use tests::on_each_database;
use tests::seed_documents::seed_documents;

/// So many that no planner would rather read them all.
const LENGTH: u32 = 20_000;

fn page(owner: UserId, sort: &str, filter: DocumentFilter) -> ListRequest {
    ListRequest {
        owner,
        filter,
        sort: sort.parse().unwrap(),
        after: None,
        limit: 51,
    }
}

/// Asserts that the page is found by the index, and, where the index has the order, unsorted.
async fn found_by(db: &Database, request: &ListRequest, index: &str) {
    let plan = explain_page(db, request).await.unwrap().join("\n");
    assert!(plan.contains(index), "{request:?}:\n{plan}");
    for costly in ["Seq Scan", "SCAN documents", "Sort", "TEMP B-TREE"] {
        assert!(!plan.contains(costly), "{request:?}:\n{plan}");
    }
}

/// Whether SQLite looks at documents one by one, by the numbers that its index of words gave.
fn few_are_sorted(plan: &str) -> bool {
    let each = [
        "SEARCH document_numbers USING INTEGER PRIMARY KEY",
        "SEARCH documents USING INDEX",
    ];
    each.iter().all(|step| plan.contains(step)) && !plan.contains("SCAN documents")
}

fn types(pattern: &str) -> DocumentFilter {
    DocumentFilter {
        media_types: Some(pattern.parse().unwrap()),
        ..DocumentFilter::default()
    }
}

#[on_each_database]
async fn every_page_is_found_by_the_index_of_its_order(db: &Database) {
    let owner = user(db, "alice").await;
    seed_documents(db, owner, 0, LENGTH).await;
    for (key, index, value) in [
        ("created_at", "documents_by_creation", "1800010000000000"),
        ("updated_at", "documents_by_update", "1800010000000000"),
        ("name", "documents_by_name", "report 5"),
        ("size_bytes", "documents_by_size", "5000000"),
    ] {
        for sort in [key.to_owned(), format!("-{key}")] {
            let first = page(owner, &sort, DocumentFilter::default());
            found_by(db, &first, index).await;
            let place = format!("0192aaaa-0000-7000-8000-000000000000 {value}");
            let after = Position::read(&place, first.sort);
            assert!(after.is_some());
            found_by(db, &ListRequest { after, ..first }, index).await;
        }
    }
}

#[on_each_database]
async fn what_is_rare_is_found_without_passing_the_rest(db: &Database) {
    let owner = user(db, "alice").await;
    seed_documents(db, owner, 0, LENGTH).await;
    let all = DocumentFilter::default;
    for (filter, index) in [
        (types("image/png"), "documents_by_type"),
        (types("image/*"), "documents_by_family"),
        (types("video/*"), "documents_by_family"),
        (
            DocumentFilter {
                statuses: vec![Status::Archived],
                ..all()
            },
            "documents_not_active",
        ),
        (
            DocumentFilter {
                is_public: Some(true),
                ..all()
            },
            "documents_public",
        ),
    ] {
        found_by(db, &page(owner, "-created_at", filter), index).await;
    }
}

#[on_each_database]
async fn rare_metadata_is_found_by_its_index(db: &Database) {
    let owner = user(db, "alice").await;
    seed_documents(db, owner, 0, LENGTH).await;
    let metadata = Metadata::try_from(json!({"number": 17})).unwrap();
    let filter = DocumentFilter {
        metadata: Some(metadata),
        ..DocumentFilter::default()
    };
    let plan = explain_page(db, &page(owner, "-created_at", filter))
        .await
        .unwrap()
        .join("\n");
    match db.reader().get_database_backend() {
        DbBackend::Postgres => assert!(plan.contains("documents_by_metadata"), "{plan}"),
        _ => assert!(few_are_sorted(&plan), "{plan}"),
    }
}

#[on_each_database]
async fn a_rare_part_of_a_name_is_found_by_its_index(db: &Database) {
    let owner = user(db, "alice").await;
    seed_documents(db, owner, 0, LENGTH).await;
    let name_part = Some("Report 17 of".to_owned());
    let filter = DocumentFilter {
        name_part,
        ..DocumentFilter::default()
    };
    let plan = explain_page(db, &page(owner, "-created_at", filter))
        .await
        .unwrap()
        .join("\n");
    match db.reader().get_database_backend() {
        DbBackend::Postgres => assert!(plan.contains("documents_by_name_part"), "{plan}"),
        _ => assert!(few_are_sorted(&plan), "{plan}"),
    }
}

#[on_each_database]
async fn what_is_common_is_found_along_the_order(db: &Database) {
    let owner = user(db, "alice").await;
    seed_documents(db, owner, 0, LENGTH).await;
    let name_part = Some("Report".to_owned());
    let filter = DocumentFilter {
        name_part,
        ..DocumentFilter::default()
    };
    found_by(
        db,
        &page(owner, "-created_at", filter),
        "documents_by_creation",
    )
    .await;
}
