//! The index that searches use: documents from before it are in it, and it outlives what happens
//! to the database.

use domain::UserId;
use ledger::{Arrival, Database, ListRequest, Sort, accept, explain_page, list_page};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::json;
use tests::databases::TestDatabase;
use tests::ledger::{NOW, accepted, arrival, limits, user};
use tests::on_each_database;
use tests::seed_documents::seed_documents;

use super::selective_filters::{asked, pages};

/// Whether SQLite finds the page of those called `report 17 of …` through its index of words.
async fn finds_by_words(db: &Database, owner: UserId) -> bool {
    let request = ListRequest {
        owner,
        filter: asked(Some("report 17 of"), Some(&json!({"number": 17}))),
        sort: Sort::default(),
        after: None,
        limit: 50,
    };
    let plan = explain_page(db, &request).await.unwrap().join("\n");
    assert_eq!(list_page(db, &request).await.unwrap().len(), 1);
    plan.contains("document_numbers")
}

async fn is_applied(db: &Database, name: &str) -> bool {
    let migrations = migrations::status(db.writer()).await.unwrap();
    let mut migrations = migrations.iter();
    migrations.any(|migration| migration.name == name && migration.applied)
}

#[on_each_database]
async fn names_from_before_are_folded_as_unicode_says(db: &Database) {
    let owner = user(db, "alice").await;
    let names = [
        "STRAẞE",
        "Straße",
        "ﬁn",
        "e\u{301}t\u{e9}",
        "İstanbul",
        "plain",
        "文書",
    ];
    for name in names {
        let arrival = Arrival {
            name: name.parse().unwrap(),
            ..arrival(owner, "x", NOW)
        };
        accepted(db, arrival).await;
    }
    while is_applied(db, "m0012_fold_names").await {
        migrations::down(db.writer()).await.unwrap();
    }
    // As a release without it wrote them.
    for name in names {
        let before: String = name
            .to_uppercase()
            .chars()
            .flat_map(char::to_lowercase)
            .collect();
        let write = format!("UPDATE documents SET name_folded = '{before}' WHERE name = '{name}'");
        db.writer().execute_unprepared(&write).await.unwrap();
    }
    migrations::up(db.writer()).await.unwrap();
    for (part, found) in [
        ("strasse", 2),
        ("FIN", 1),
        ("ÉTÉ", 1),
        ("istanbul", 1),
        ("PLAIN", 1),
        ("書", 1),
        ("", 7),
    ] {
        assert_eq!(
            pages(db, owner, asked(Some(part), None), "name", 50)
                .await
                .len(),
            found,
            "{part}"
        );
    }
}

#[tokio::test]
async fn documents_from_before_the_index_are_in_it() {
    let database = TestDatabase::sqlite().await;
    let db = &database.db;
    let owner = user(db, "alice").await;
    while is_applied(db, "m0010_index_words").await {
        migrations::down(db.writer()).await.unwrap();
    }
    seed_documents(db, owner, 0, 100).await;
    migrations::up(db.writer()).await.unwrap();
    assert!(finds_by_words(db, owner).await);
}

#[tokio::test]
async fn the_index_outlives_a_vacuum_and_loses_what_goes_with_its_owner() {
    let database = TestDatabase::sqlite().await;
    let db = &database.db;
    let [alice, bob] = [user(db, "alice").await, user(db, "bob").await];
    seed_documents(db, bob, 0, 100).await;
    seed_documents(db, alice, 100, 200).await;
    let rename = "UPDATE documents SET name_folded = 'report 17 of all', metadata = '{\"number\":17}' \
                  WHERE name LIKE 'report 150 %'";
    db.writer().execute_unprepared(rename).await.unwrap();
    let goes = "DELETE FROM users WHERE name = 'bob'";
    db.writer().execute_unprepared(goes).await.unwrap();
    db.writer().execute_unprepared("VACUUM").await.unwrap();
    assert!(finds_by_words(db, alice).await);
    let left = "SELECT (SELECT count(*) FROM document_numbers) AS numbers, \
                (SELECT count(*) FROM document_words_docsize) AS words";
    let row = db
        .writer()
        .query_one_raw(Statement::from_string(DbBackend::Sqlite, left))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        [
            row.try_get_by_index::<i64>(0).unwrap(),
            row.try_get_by_index(1).unwrap()
        ],
        [100, 100]
    );
    // One that comes now isn't taken for one that went.
    let named = Arrival {
        name: "report 17 of new".parse().unwrap(),
        ..arrival(alice, "x", NOW)
    };
    accept(db, &limits(), &[named]).await.unwrap();
    assert_eq!(
        pages(db, alice, asked(Some("report 17 of"), None), "name", 1)
            .await
            .len(),
        2
    );
}
