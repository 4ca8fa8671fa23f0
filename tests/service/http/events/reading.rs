//! Who reads which events, and from where.

use std::time::Duration;

use queue::JobKind;
use serde_json::{Value, json};
use tests::app::{Mode, TestApp};
use tests::content::PDF;
use tests::feed::{text, types, whole};
use tests::in_both_modes;
use tests::poll::wait_until;

/// The events at a path.
async fn events(client: &tests::app::Client, query: &str) -> Vec<Value> {
    let page = client
        .get(&format!("/v1/events{query}"))
        .await
        .expecting(200);
    assert!(page["next_cursor"].is_string(), "{page}");
    page["items"].as_array().unwrap().clone()
}

#[in_both_modes]
async fn a_cursor_goes_on_exactly_where_it_was(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    for index in 0..5 {
        alice
            .active(&format!("{index}.txt"), format!("{index}"))
            .await;
    }
    let (all, end) = whole(&alice, None).await;
    assert_eq!(all.len(), 10);
    let mut one_by_one = Vec::new();
    let mut after = String::new();
    loop {
        let page = alice
            .get(&format!("/v1/events?limit=1{after}"))
            .await
            .expecting(200);
        let items = page["items"].as_array().unwrap();
        let Some(item) = items.first() else {
            assert_eq!(text(&page["next_cursor"]), end);
            break;
        };
        assert_eq!(items.len(), 1);
        // The id of an event is the cursor behind it.
        assert_eq!(item["id"], page["next_cursor"]);
        after = format!("&after={}", text(&item["id"]));
        one_by_one.push(item.clone());
    }
    assert_eq!(one_by_one, all);
    assert!(events(&alice, &format!("?after={end}")).await.is_empty());
    let now = alice.get("/v1/events?after=now").await.expecting(200);
    assert_eq!(
        (&now["items"], &now["next_cursor"]),
        (&json!([]), &json!(end))
    );

    // Filters hide events, and pass them.
    let activated = events(&alice, "?types=document.activated").await;
    assert_eq!(types(&activated), ["document.activated"; 5]);
    let some = events(
        &alice,
        "?types=document.activated,document.accepted&limit=3",
    )
    .await;
    assert_eq!(some, all[..3]);
    let none = alice
        .get("/v1/events?types=document.deleted")
        .await
        .expecting(200);
    assert_eq!(
        (&none["items"], &none["next_cursor"]),
        (&json!([]), &json!(end))
    );
    let document = text(&all[4]["document_id"]);
    let of_document = events(&alice, &format!("?document_id={document}")).await;
    let expected = all
        .iter()
        .filter(|event| event["document_id"] == document.as_str());
    assert_eq!(of_document, expected.cloned().collect::<Vec<_>>());
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_feed_is_its_owners(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob, admin) = (app.user("alice").await, app.user("bob").await, app.admin());
    alice.active("a.pdf", PDF).await;
    let (all, end) = whole(&alice, None).await;
    assert!(events(&bob, "").await.is_empty());
    assert!(events(&admin, "").await.is_empty());
    let document = text(&all[0]["document_id"]);
    assert!(
        events(&bob, &format!("?document_id={document}"))
            .await
            .is_empty()
    );
    let owned = format!("?owner={}", alice.user.as_deref().unwrap());
    assert_eq!(events(&admin, &owned).await, all);
    bob.get(&format!("/v1/events{owned}"))
        .await
        .expect_problem(404, "not_found");
    let nobody = "?owner=0192aaaa-5e1f-7c1e-9d0a-1b2c3d4e5f60";
    admin
        .get(&format!("/v1/events{nobody}"))
        .await
        .expect_problem(404, "not_found");
    // A cursor is of one feed.
    for wrong in [
        format!("after={end}"),
        "after=xyz".to_owned(),
        "types=document.read".to_owned(),
        "limit=0".to_owned(),
        "limit=1001".to_owned(),
        "wait=61".to_owned(),
    ] {
        bob.get(&format!("/v1/events?{wrong}"))
            .await
            .expect_problem(422, "invalid");
    }
    app.nobody()
        .get("/v1/events")
        .await
        .expect_problem(401, "unauthorized");
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_poll_is_answered_by_the_next_event(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let (_, end) = whole(&alice, None).await;
    let path = format!("/v1/events?wait=60&types=document.deleted&after={end}");
    let waiting = tokio::spawn({
        let (alice, path) = (alice.clone(), path.clone());
        async move { alice.get(&path).await.expecting(200) }
    });
    let meters = format!("{}/metrics", app.ingress().ops());
    wait_until(Duration::from_secs(30), "somebody waits", async || {
        let text = reqwest::get(&meters).await.unwrap().text().await.unwrap();
        text.contains("dossier_event_readers 1\n")
    })
    .await;
    // Others don't end the wait.
    let document = alice.active("a.pdf", PDF).await;
    let path = format!("/v1/documents/{}", text(&document["id"]));
    assert_eq!(alice.delete(&path).await.status, 204);
    let page = waiting.await.unwrap();
    let items = page["items"].as_array().unwrap();
    assert_eq!(types(items), ["document.deleted"]);
    assert_eq!(items[0]["data"]["document"], document);
    app.ends_clean().await;
}

#[in_both_modes]
async fn an_old_cursor_has_expired(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let kept = alice.active("a.txt", "a").await;
    let (_, first) = whole(&alice, None).await;
    let gone = alice.active("b.txt", "b").await;
    let gone = format!("/v1/documents/{}", text(&gone["id"]));
    assert_eq!(alice.delete(&gone).await.status, 204);
    let (_, second) = whole(&alice, None).await;
    // They are a year old.
    app.tampers("UPDATE events SET at = at - 31536000000000")
        .await;
    app.works_off(JobKind::TrimEvents).await;
    let (expired, current) = (format!("?after={first}"), format!("?after={second}"));
    alice
        .get(&format!("/v1/events{expired}"))
        .await
        .expect_problem(410, "cursor_expired");
    assert!(events(&alice, &current).await.is_empty());
    assert!(events(&alice, "").await.is_empty());
    // The timeline of a document that exists keeps its last events.
    let path = format!("/v1/documents/{}", text(&kept["id"]));
    let timeline = alice.get(&format!("{path}/timeline")).await.expecting(200);
    assert!(timeline["items"].as_array().unwrap().len() >= 2);
    assert_eq!(app.number("SELECT count(*) FROM events").await, 2);
    assert_eq!(alice.delete(&path).await.status, 204);
    assert_eq!(types(&events(&alice, &current).await), ["document.deleted"]);
    assert_eq!(app.number("SELECT count(*) FROM events").await, 1);
    app.ends_clean().await;
}
