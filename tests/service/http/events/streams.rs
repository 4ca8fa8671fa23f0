//! Streams of events: how they begin, go on and end, and how many there may be.

use std::time::Duration;

use queue::JobKind;
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::json;
use tests::app::{Client, Mode, TestApp};
use tests::content::PDF;
use tests::feed::{Connection, Stream, text, whole};
use tests::in_both_modes;
use tests::poll::wait_until;

const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until so many readers wait.
async fn readers(app: &TestApp, number: usize) {
    let meters = format!("{}/metrics", app.ingress().ops());
    let line = format!("dossier_event_readers {number}\n");
    wait_until(PATIENCE, &line, async || {
        let answer = reqwest::get(&meters).await.unwrap();
        answer.text().await.unwrap().contains(&line)
    })
    .await;
}

#[in_both_modes]
async fn a_stream_tells_what_pages_tell_and_goes_on_behind_the_last_event(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let document = alice.active("a.pdf", PDF).await;
    let mut stream = Stream::open(&alice, "", None).await;
    assert_eq!(stream.next().await.kind, "document.accepted");
    let activated = stream.next().await;
    let path = format!("/v1/documents/{}", text(&document["id"]));
    let edited = json!({"name": "two\nlines".replace('\n', " ")});
    alice.patch_json(&path, &edited).await.expecting(200);
    let updated = stream.next().await;
    assert_eq!(updated.data["data"]["document"]["name"], edited["name"]);
    drop(stream);
    assert_eq!(alice.delete(&path).await.status, 204);
    // The field counts, not the parameter.
    let mut stream = Stream::open(&alice, "?after=now", Some(&activated.id)).await;
    assert_eq!(stream.next().await, updated);
    let deleted = stream.next().await;
    assert_eq!(deleted.kind, "document.deleted");
    let (all, end) = whole(&alice, None).await;
    let told = [&activated, &updated, &deleted].map(|event| event.data.clone());
    assert_eq!(all[1..], told);
    assert_eq!(deleted.id, end);
    let mut now = Stream::open(&alice, "?after=now&types=document.activated", None).await;
    alice.active("b.pdf", PDF).await;
    assert_eq!(now.next().await.kind, "document.activated");
    let refused = Stream::try_open(&alice, "", Some("nonsense"))
        .await
        .unwrap();
    assert_eq!(refused.status(), 422);
    // Nor does what isn't text begin the feed anew.
    let garbage = HeaderValue::from_bytes(b"\xff\xfe").unwrap();
    let garbage = alice
        .request(Method::GET, "/v1/events")
        .header("last-event-id", garbage);
    let refused = alice.send(garbage).await;
    refused.expect_problem(422, "invalid");
    let refused = Stream::try_open(&app.nobody(), "", None).await.unwrap();
    assert_eq!(refused.status(), 401);
    drop((stream, now));
    readers(&app, 0).await;
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_stream_over_http_2_is_the_same(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    alice.active("a.pdf", PDF).await;
    let connection = Connection::to(&app.ingress().api()).await;
    let mut first = connection.open(&alice, "", None).await;
    let mut second = connection.open(&alice, "?after=now", None).await;
    assert_eq!(first.next().await.kind, "document.accepted");
    let activated = first.next().await;
    alice.active("b.pdf", PDF).await;
    let accepted = first.next().await;
    assert_eq!(accepted.kind, "document.accepted");
    assert_eq!(second.next().await, accepted);
    let mut third = connection.open(&alice, "", Some(&activated.id)).await;
    assert_eq!(third.next().await, accepted);
    readers(&app, 3).await;
    app.ingress().ask_to_end();
    for mut stream in [first, second, third] {
        while stream.try_next().await.unwrap().is_some() {}
    }
    app.ingress().ended().await;
    app.ingress().restart().await;
    app.ends_clean().await;
}

#[tokio::test]
async fn an_idle_stream_goes_on_by_comments() {
    let app = TestApp::start(Mode::Embedded).await;
    let alice = app.user("alice").await;
    let mut one = Stream::open(&alice, "", None).await;
    let mut other = Connection::to(&app.ingress().api())
        .await
        .open(&alice, "", None)
        .await;
    tokio::join!(one.is_idle_for(2), other.is_idle_for(2));
    alice.active("a.pdf", PDF).await;
    for stream in [&mut one, &mut other] {
        assert_eq!(stream.next().await.kind, "document.accepted");
    }
    drop((one, other));
    app.ends_clean().await;
}

#[in_both_modes]
async fn the_events_of_others_do_not_make_the_last_id_of_a_quiet_stream_expire(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let quiet = alice.active("quiet.txt", "quiet").await;
    let query = format!("?after=now&document_id={}", text(&quiet["id"]));
    let mut one = Stream::open(&alice, &query, None).await;
    let shared = Connection::to(&app.ingress().api()).await;
    let mut other = shared.open(&alice, &query, None).await;
    let begun = one.is_at().await;
    assert_eq!(other.is_at().await, begun);
    let gone = alice.active("b.txt", "b").await;
    let gone = format!("/v1/documents/{}", text(&gone["id"]));
    assert_eq!(alice.delete(&gone).await.status, 204);
    let (_, end) = whole(&alice, None).await;
    // Told once in a while: it may be on the way.
    for stream in [&mut one, &mut other] {
        while stream.is_at().await != end {}
    }
    drop((one, other));
    app.tampers("UPDATE events SET at = at - 31536000000000")
        .await;
    app.works_off(JobKind::TrimEvents).await;
    let expired = Stream::try_open(&alice, &query, Some(&begun)).await;
    assert_eq!(expired.unwrap().status(), 410);
    let mut again = Stream::open(&alice, &query, Some(&end)).await;
    assert_eq!(again.is_at().await, end);
    let path = format!("/v1/documents/{}", text(&quiet["id"]));
    assert_eq!(alice.delete(&path).await.status, 204);
    let deleted = again.next().await;
    assert_eq!(deleted.kind, "document.deleted");
    drop(again);
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_stream_ends_with_its_key_its_user_and_its_process(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (admin, alice) = (app.admin(), app.user("alice").await);
    let issued = alice
        .post_json("/v1/keys", &json!({"scopes": ["events"]}))
        .await;
    let issued = issued.expect_status(201).await;
    let keyed = app.bearer(issued["key"].as_str().unwrap());
    let by_key = Stream::open(&keyed, "", None).await;
    let shared = Connection::to(&app.ingress().api()).await;
    let by_key_too = shared.open(&keyed, "", None).await;
    let of_user_too = shared.open(&alice, "", None).await;
    let of_user = Stream::open(&alice, "", None).await;
    let of_admin = Stream::open(&admin, "", None).await;
    readers(&app, 5).await;
    let key = format!("/v1/keys/{}", text(&issued["id"]));
    assert_eq!(alice.delete(&key).await.status, 204);
    by_key.ends().await;
    by_key_too.ends().await;
    readers(&app, 3).await;
    let account = format!("/v1/admin/users/{}", alice.user.as_deref().unwrap());
    admin
        .patch_json(&account, &json!({"disabled": true}))
        .await
        .expecting(200);
    of_user.ends().await;
    of_user_too.ends().await;
    readers(&app, 1).await;
    app.ingress().ask_to_end();
    of_admin.ends().await;
    app.ingress().ended().await;
    app.ingress().restart().await;
    // A poll is answered when the process stops.
    let waiting = tokio::spawn({
        let admin = admin.clone();
        async move { admin.get("/v1/events?wait=60&after=now").await }
    });
    readers(&app, 1).await;
    app.ingress().ask_to_end();
    let page = waiting.await.unwrap().expecting(200);
    assert_eq!(page["items"], json!([]));
    app.ingress().ended().await;
    app.ingress().restart().await;
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_stream_ends_with_the_role_that_it_needs(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (admin, alice) = (app.admin(), app.user("alice").await);
    let boss = app.user("boss").await;
    let account = format!("/v1/admin/users/{}", boss.user.as_deref().unwrap());
    let has = |role: &str| json!({"role": role});
    admin
        .patch_json(&account, &has("admin"))
        .await
        .expecting(200);
    let of_alice = format!("?owner={}", alice.user.as_deref().unwrap());
    // The first answers may be by what the key could do before.
    let seen = format!("/v1/events{of_alice}");
    wait_until(PATIENCE, "boss is an admin", async || {
        boss.get(&seen).await.status == 200
    })
    .await;
    let foreign = Stream::open(&boss, &of_alice, None).await;
    let mut own = Stream::open(&boss, "", None).await;
    readers(&app, 2).await;
    admin
        .patch_json(&account, &has("user"))
        .await
        .expecting(200);
    foreign.ends().await;
    wait_until(PATIENCE, "boss is a user", async || {
        boss.get(&seen).await.status == 404
    })
    .await;
    // What they may still read goes on.
    boss.active("a.pdf", PDF).await;
    assert_eq!(own.next().await.kind, "document.accepted");
    drop(own);
    app.ends_clean().await;
}

/// Opens streams until one is refused. Returns those that were opened.
async fn floods(client: &Client) -> Vec<Stream> {
    let mut open = Vec::new();
    loop {
        let stream = Stream::try_open(client, "?after=now", None).await.unwrap();
        if stream.status() != 200 {
            assert_eq!(stream.status(), 503);
            return open;
        }
        open.push(stream);
        assert!(open.len() < 1_000);
    }
}

#[in_both_modes]
async fn nobody_has_all_the_streams(mode: Mode) {
    // A quarter of the requests is for the streams of one user, half for those of all.
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_MAX_CONNECTIONS", "64")])
        .start()
        .await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let of_alice = floods(&alice).await;
    assert_eq!(of_alice.len(), 16);
    readers(&app, 16).await;
    // She still asks, and others have streams.
    alice.get("/v1/documents").await.expecting(200);
    let mut of_bob = floods(&bob).await;
    assert!((1..=16).contains(&of_bob.len()), "{}", of_bob.len());
    for _ in 0..3 {
        let refused = Stream::try_open(&app.nobody(), "", None).await.unwrap();
        assert_eq!(refused.status(), 401);
    }
    let stranger = app.bearer("no-key-of-anybody-0123456789abcdefgh");
    let refused = Stream::try_open(&stranger, "", None).await.unwrap();
    assert_eq!(refused.status(), 401);
    bob.active("a.pdf", PDF).await;
    let first = of_bob.first_mut().unwrap();
    assert_eq!(first.next().await.kind, "document.accepted");
    drop((of_alice, of_bob));
    readers(&app, 0).await;
    app.ends_clean().await;
}
