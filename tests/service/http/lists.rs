//! Lists over HTTP: filters, orders, and cursors that are good for one question.

use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::content::{PDF, PNG};
use tests::in_both_modes;

/// Documents of several kinds: names, in the order in which they were accepted.
async fn create_documents(client: &Client) -> Vec<Value> {
    let mut documents = Vec::new();
    for (name, bytes, metadata) in [
        (
            "Straße 100%.pdf",
            PDF,
            json!({"year": 2025, "tags": ["a", "b"]}),
        ),
        (
            "picture_one.png",
            PNG,
            json!({"year": 2026, "author": {"name": "A"}}),
        ),
        (
            "ZEBRA.txt",
            b"just some words\n",
            json!({"year": 2026, "tags": ["b"]}),
        ),
        ("apple.txt", b"other words\n", json!({})),
    ] {
        let pending = client.uploads(name, bytes).await;
        let path = format!("/v1/documents/{}", pending["id"].as_str().unwrap());
        client.settled(&pending).await;
        documents.push(
            client
                .patch_json(&path, &json!({"metadata": metadata}))
                .await
                .expecting(200),
        );
    }
    let archive = format!(
        "/v1/documents/{}/archive",
        documents[3]["id"].as_str().unwrap()
    );
    documents[3] = client
        .send(client.request(Method::POST, &archive))
        .await
        .expecting(200);
    documents
}

async fn names(client: &Client, query: &[(&str, &str)]) -> Vec<String> {
    let request = client.request(Method::GET, "/v1/documents").query(query);
    let list = client.send(request).await.expecting(200);
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["name"].as_str().unwrap().chars().take(5).collect())
        .collect()
}

#[in_both_modes]
async fn a_filter_shows_what_it_means(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let documents = create_documents(&alice).await;
    let at = |index: usize| documents[index]["created_at"].as_str().unwrap();
    let (first, last) = (at(0), at(3));
    for (query, expected) in [
        (vec![], vec!["ZEBRA", "pictu", "Straß"]),
        (
            vec![("status", "archived,active")],
            vec!["apple", "ZEBRA", "pictu", "Straß"],
        ),
        (vec![("status", "archived")], vec!["apple"]),
        (vec![("status", "pending,error")], vec![]),
        (vec![("mime_type", "image/*")], vec!["pictu"]),
        (vec![("mime_type", "application/pdf")], vec!["Straß"]),
        (vec![("name", "STRASSE")], vec!["Straß"]),
        (vec![("name", "%")], vec!["Straß"]),
        (vec![("name", "_")], vec!["pictu"]),
        (vec![("name", "zebra")], vec!["ZEBRA"]),
        (vec![("is_public", "true")], vec![]),
        (
            vec![("is_public", "false"), ("mime_type", "image/png")],
            vec!["pictu"],
        ),
        (vec![("created_after", first)], vec!["ZEBRA", "pictu"]),
        (
            vec![("created_before", last), ("created_after", first)],
            vec!["ZEBRA", "pictu"],
        ),
        (
            vec![("updated_after", "2000-01-01T00:00:00Z")],
            vec!["ZEBRA", "pictu", "Straß"],
        ),
        (vec![("updated_before", "2000-01-01T00:00:00Z")], vec![]),
        (vec![("min_size", "16"), ("max_size", "16")], vec!["ZEBRA"]),
        (
            vec![("metadata", r#"{"year":2026}"#)],
            vec!["ZEBRA", "pictu"],
        ),
        (
            vec![("metadata", r#"{"tags":["b"]}"#)],
            vec!["ZEBRA", "Straß"],
        ),
        (
            vec![("metadata", r#"{"author":{"name":"A"}}"#)],
            vec!["pictu"],
        ),
        (vec![("sort", "name")], vec!["Straß", "ZEBRA", "pictu"]),
        (vec![("sort", "-name")], vec!["pictu", "ZEBRA", "Straß"]),
        (
            vec![("sort", "size_bytes")],
            vec!["ZEBRA", "pictu", "Straß"],
        ),
        (
            vec![("sort", "created_at")],
            vec!["Straß", "pictu", "ZEBRA"],
        ),
    ] {
        assert_eq!(names(&alice, &query).await, expected, "{query:?}");
    }
    assert_eq!(
        names(&app.user("bob").await, &[]).await,
        Vec::<String>::new()
    );
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_cursor_is_good_for_one_question(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    create_documents(&alice).await;
    for sort in ["name", "-name", "size_bytes", "-updated_at", "created_at"] {
        let list = format!("/v1/documents?sort={sort}");
        let whole = alice.get(&list).await.expecting(200);
        let seen = alice.all(&format!("{list}&limit=1")).await;
        assert_eq!(json!(seen), whole["items"], "{sort}");
    }
    let page = alice
        .get("/v1/documents?limit=1&sort=name&status=active,archived")
        .await
        .expecting(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    let goes_on = format!("/v1/documents?limit=2&sort=name&status=archived,active&cursor={cursor}");
    alice.get(&goes_on).await.expecting(200);
    bob.get(&goes_on).await.expect_problem(422, "invalid");
    for other in [
        "sort=name",
        "sort=-name&status=active,archived",
        "status=active,archived",
    ] {
        let answer = alice
            .get(&format!("/v1/documents?{other}&cursor={cursor}"))
            .await;
        answer.expect_problem(422, "invalid");
        assert_eq!(answer.json()["errors"][0]["pointer"], "cursor");
    }
}
