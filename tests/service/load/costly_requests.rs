//! The most costly requests that are legal, at once, by one user: bounded each, and felt by
//! nobody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Answer, Client, Mode, TestApp};
use tests::content::PDF;
use tests::in_both_modes;

/// As many values as metadata may have, in pairs of which a filter finds each half everywhere.
pub fn widest() -> Value {
    let pairs: Vec<_> = (0..333).map(|number| json!([number, number])).collect();
    json!({"a": pairs})
}

/// As many values as a filter may have; no document has such pairs, and each has their halves.
pub fn nowhere() -> Value {
    let pairs: Vec<_> = (0..21).map(|number| json!([number, number + 1])).collect();
    json!({"a": pairs})
}

/// A user with so many documents of the widest metadata.
pub async fn hoarder(app: &TestApp, count: usize) -> Client {
    let user = json!({"name": "alice", "quota_documents": 1_000_000});
    let alice = app.user_with(user).await;
    let pending = alice.uploads("report.pdf", PDF).await;
    let document = alice.settled(&pending).await;
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    let widest = json!({"metadata": widest()});
    alice.patch_json(&path, &widest).await.expecting(200);
    let db = app.database().await;
    let id = document["id"].as_str().unwrap().parse().unwrap();
    tests::ledger::copies(&db, id, count - 1).await;
    db.close().await.unwrap();
    alice
}

async fn found(client: &Client, metadata: &Value) -> Answer {
    let query = [("metadata", metadata.to_string())];
    let request = client.request(Method::GET, "/v1/documents");
    client.send(request.query(&query)).await
}

/// Requests of one user that cost most, by the part of the service that pays.
async fn worst(client: &Client, document: &str, turn: usize) -> Answer {
    let get = |path: &str, query: &[(&str, &str)]| client.request(Method::GET, path).query(query);
    let post = |path: &str, body: &Value| client.request(Method::POST, path).json(body);
    let nowhere = nowhere();
    let (wanted, id) = (nowhere.to_string(), "0192aaaa-0000-7000-8000-");
    let request = match turn % 10 {
        0 | 1 => get(
            "/v1/documents",
            &[("metadata", &wanted), ("sort", "-name"), ("limit", "200")],
        ),
        2 => get(
            "/v1/documents",
            &[("name", "port.pdx"), ("sort", "size_bytes")],
        ),
        3 => get(
            "/v1/documents",
            &[
                ("min_size", "9"),
                ("max_size", "8"),
                ("sort", "-updated_at"),
            ],
        ),
        4 | 5 => {
            let select = json!({"filter": {"metadata": nowhere, "status": "active,archived"}});
            post(
                "/v1/operations",
                &json!({"action": "delete", "select": select, "dry_run": true}),
            )
        }
        6 => {
            let ids: Vec<_> = (0..20_000)
                .map(|number| format!("{id}{number:012x}"))
                .collect();
            post(
                "/v1/operations",
                &json!({"action": "delete", "select": {"ids": ids}, "dry_run": true}),
            )
        }
        7 => get("/v1/usage", &[]),
        8 => get("/v1/documents", &[("limit", "200")]),
        _ => {
            let path = format!("/v1/documents/{document}");
            let renamed = json!({"name": format!("report {turn}.pdf")});
            client.request(Method::PATCH, &path).json(&renamed)
        }
    };
    client.send(request).await
}

#[in_both_modes]
async fn a_filter_and_metadata_have_bounds(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = hoarder(&app, 60).await;
    let wide: Vec<_> = (0..3_000).collect();
    found(&alice, &json!({"a": wide}))
        .await
        .expect_problem(422, "invalid");
    let wide: Vec<_> = (0..64).collect();
    found(&alice, &json!({"a": wide}))
        .await
        .expect_problem(422, "invalid");
    let listed = alice.get("/v1/documents?limit=1").await.expecting(200);
    let path = format!(
        "/v1/documents/{}",
        listed["items"][0]["id"].as_str().unwrap()
    );
    let wide: Vec<_> = (0..1_000).collect();
    let answer = alice
        .patch_json(&path, &json!({"metadata": {"b": wide}}))
        .await;
    answer.expect_problem(422, "invalid");
    assert_eq!(answer.json()["errors"][0]["pointer"], "/metadata");

    let pairs: Vec<_> = (0..21).map(|number| json!([number])).collect();
    let everywhere = json!({"a": pairs});
    let all = found(&alice, &everywhere).await.expecting(200);
    assert_eq!(all["items"].as_array().unwrap().len(), 50);
    let none = found(&alice, &nowhere()).await.expecting(200);
    assert_eq!(none["items"], json!([]));
    for (metadata, total) in [(everywhere, 60), (nowhere(), 0)] {
        let select = json!({"filter": {"metadata": metadata}});
        let dry = json!({"action": "delete", "select": select, "dry_run": true});
        assert_eq!(alice.runs(&dry).await["total"], total);
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn the_worst_that_one_user_asks_for_delays_no_other(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = hoarder(&app, 500).await;
    let bob = app.user("bob").await;
    let listed = alice.get("/v1/documents?limit=1").await.expecting(200);
    let document = listed["items"][0]["id"].as_str().unwrap().to_owned();
    let (over, turns) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let askers = (0..16).map(|first| {
        let (alice, document) = (alice.clone(), document.clone());
        let (over, turns) = (Arc::clone(&over), Arc::clone(&turns));
        tokio::spawn(async move {
            let mut turn = first;
            while !over.load(Ordering::Relaxed) {
                let answer = worst(&alice, &document, turn).await;
                turns.fetch_add(1, Ordering::Relaxed);
                turn += 1;
                match answer.status.as_u16() {
                    200 | 202 => {}
                    422 => answer.expect_problem(422, "invalid"),
                    status => {
                        assert_eq!(status, 503, "{}", answer.text());
                        assert!(!answer.header("retry-after").is_empty());
                    }
                }
            }
        })
    });
    let askers: Vec<_> = askers.collect();
    let mut rounds = 0;
    // Until all kinds have been asked for, some times each.
    while rounds < 5 || turns.load(Ordering::Relaxed) < 32 {
        let pending = bob.uploads("mine.pdf", PDF).await;
        let settled = bob.settled(&pending).await;
        assert_eq!(settled["status"], "active");
        bob.get("/v1/documents?name=mine&limit=1")
            .await
            .expecting(200);
        rounds += 1;
    }
    over.store(true, Ordering::Relaxed);
    for asker in askers {
        asker.await.unwrap();
    }
    app.ends_clean().await;
}
