//! The routes, as far as they go without a worker.

use std::time::{Duration, Instant};

use futures::StreamExt;
use poem::Body;
use poem::http::Method;
use serde_json::json;

use super::app::App;

const UNKNOWN: &str = "0190a5c0-0000-7000-8000-000000000000";

fn problem(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

async fn staged(app: &App) -> usize {
    app.service
        .places
        .staging()
        .list(None)
        .await
        .unwrap()
        .count()
        .await
}

/// What is refused is removed in the background: waits for it.
pub async fn ends_with_staged(app: &App, expected: usize) {
    for _ in 0..300 {
        if staged(app).await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(staged(app).await, expected);
}

#[tokio::test]
async fn an_upload_is_accepted_and_can_be_read_back() {
    let app = App::start().await;
    let alice = app.alice().await;
    let accepted = alice.uploads("a.txt", "hello").await;
    assert_eq!(accepted.status, 202);
    assert_eq!(accepted.header("retry-after"), Some("1"));
    let location = accepted.header("location").unwrap();
    let body = accepted.json();
    assert_eq!(
        location,
        format!("/v1/documents/{}", body["id"].as_str().unwrap())
    );
    assert_eq!(
        (&body["status"], &body["size_bytes"], &body["version"]),
        (&json!("pending"), &json!(5), &json!(null))
    );
    assert_eq!(body["owner"], alice.id.as_str());

    let read = alice.get(location).await;
    assert_eq!(read.json(), body);
    let etag = read.header("etag").unwrap();
    assert_eq!(etag, "\"r1\"");
    let again = alice
        .send(
            Method::GET,
            location,
            &[("if-none-match", etag)],
            Body::empty(),
        )
        .await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    assert_eq!(staged(&app).await, 1);
}

#[tokio::test]
async fn a_form_is_accepted_too() {
    let app = App::start().await;
    let body = "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello\r\n\
                --X\r\nContent-Disposition: form-data; name=\"unique_name\"\r\n\r\nabc\r\n--X--\r\n";
    let form = [("content-type", "multipart/form-data; boundary=X")];
    let answer = app
        .alice()
        .await
        .send(Method::POST, "/v1/documents", &form, body)
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["unique_name"]),
        (202, &json!("abc"))
    );
}

#[tokio::test]
async fn a_stranger_sees_what_nobody_has() {
    let app = App::start().await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let id = alice.uploads("a.txt", "hello").await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for path in ["", "/content"] {
        let mut bodies = Vec::new();
        for id in [id.as_str(), UNKNOWN, "1", "%FF"] {
            let answer = bob.get(&format!("/v1/documents/{id}{path}")).await;
            assert_eq!(answer.problem(), problem(404, "not_found"), "{id}{path}");
            let mut body = answer.json();
            body["request_id"] = json!(null);
            bodies.push(body);
        }
        assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    }
    let owned = format!("/v1/documents/{id}?owner={}", alice.id);
    assert_eq!(bob.get(&owned).await.status, 404);
    assert_eq!(
        app.admin().get(&format!("/v1/documents/{id}")).await.status,
        404
    );
    assert_eq!(app.admin().get(&owned).await.status, 200);
    assert_eq!(
        bob.get(&format!("/v1/documents?owner={}", alice.id))
            .await
            .status,
        404
    );
    let list = app
        .admin()
        .get(&format!("/v1/documents?owner={}", alice.id))
        .await;
    assert_eq!(list.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_list_has_every_document_once() {
    let app = App::start().await;
    let alice = app.alice().await;
    let mut uploaded = Vec::new();
    for number in 0..5 {
        uploaded.push(alice.uploads(&format!("{number}.txt"), "x").await.json()["id"].clone());
    }
    let (mut seen, mut uri) = (Vec::new(), "/v1/documents?limit=2".to_owned());
    loop {
        let page = alice.get(&uri).await.json();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].clone()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        uri = format!("/v1/documents?limit=2&cursor={cursor}");
    }
    uploaded.reverse();
    assert_eq!(seen, uploaded);
    let foreign = app.bob().await.get(&uri).await;
    assert_eq!(
        (foreign.problem(), foreign.pointers()),
        (problem(422, "invalid"), vec!["cursor".to_owned()])
    );
}

#[tokio::test]
async fn bad_parameters_are_named() {
    let app = App::start().await;
    let alice = app.alice().await;
    for (query, pointer) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("limit=1&limit=1", "limit"),
        ("cursor=x", "cursor"),
        ("status=gone", "status"),
        ("colour=red", "colour"),
        ("created_after=today", "created_after"),
        ("min_size=-1", "min_size"),
        ("metadata=7", "metadata"),
        ("sort=size", "sort"),
        ("name=%00", "name"),
        ("owner=x", "owner"),
    ] {
        let answer = alice.get(&format!("/v1/documents?{query}")).await;
        assert_eq!(
            (answer.problem(), answer.pointers()),
            (problem(422, "invalid"), vec![pointer.to_owned()]),
            "{query}"
        );
    }
    for wait in ["-1", "61", "x"] {
        let answer = alice
            .get(&format!("/v1/documents/{UNKNOWN}?wait={wait}"))
            .await;
        assert_eq!(
            (answer.problem(), answer.pointers()),
            (problem(422, "invalid"), vec!["wait".to_owned()]),
            "{wait}"
        );
    }
    let raw = alice
        .send(Method::POST, "/v1/documents?is_public=maybe", &[], "x")
        .await;
    assert_eq!(raw.pointers(), ["is_public"]);
    let unnamed = alice.send(Method::POST, "/v1/documents", &[], "x").await;
    assert_eq!(unnamed.pointers(), ["name"]);
}

#[tokio::test]
async fn what_is_refused_leaves_nothing_in_staging() {
    let app = App::start().await;
    let alice = app.user(json!({"name": "alice", "quota_bytes": 10})).await;
    assert_eq!(
        alice.uploads("a&unique_name=abc", "hello").await.status,
        202
    );
    let taken = alice.uploads("b&unique_name=abc", "x").await;
    assert_eq!(taken.problem(), problem(409, "unique_name_taken"));
    // More than is left, which only the intake knows: nothing was declared.
    let unknown = Body::from_bytes_stream(futures::stream::iter([Ok::<_, std::io::Error>(vec![
            b'x';
            6
        ])]));
    let spent = alice
        .send(Method::POST, "/v1/documents?name=c", &[], unknown)
        .await;
    assert_eq!(spent.problem(), problem(403, "quota_exceeded"));
    ends_with_staged(&app, 1).await;
}

#[tokio::test]
async fn the_door_refuses_before_it_reads() {
    let app = App::start().await;
    let alice = app.user(json!({"name": "alice", "quota_bytes": 10})).await;
    let unread =
        || Body::from_bytes_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let upload = "/v1/documents?name=a";
    for (header, expected) in [
        (("content-length", "11"), problem(403, "quota_exceeded")),
        (("content-length", "100001"), problem(413, "too_large")),
        (
            ("content-encoding", "gzip"),
            problem(415, "unsupported_media_type"),
        ),
        (
            ("content-digest", "sha-256=nonsense"),
            problem(400, "bad_digest"),
        ),
        (
            ("content-type", "multipart/form-data"),
            problem(400, "bad_multipart"),
        ),
    ] {
        let answer = alice.send(Method::POST, upload, &[header], unread()).await;
        assert_eq!(answer.problem(), expected, "{header:?}");
    }
    assert_eq!(
        app.nobody()
            .send(Method::POST, upload, &[], unread())
            .await
            .problem(),
        problem(401, "unauthorized")
    );
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let app = App::start().await;
    assert_eq!(
        app.nobody().get("/nowhere").await.problem(),
        problem(404, "not_found")
    );
    let answer = app
        .nobody()
        .send(Method::PUT, "/v1/documents", &[], Body::empty())
        .await;
    assert_eq!(answer.problem(), problem(405, "method_not_allowed"));
    assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"));
    let ours = app
        .nobody()
        .send(
            Method::GET,
            "/nowhere",
            &[("x-request-id", "mine-1")],
            Body::empty(),
        )
        .await;
    assert_eq!(ours.header("x-request-id"), Some("mine-1"));
}

#[tokio::test]
async fn content_of_a_pending_document_is_not_there_yet() {
    let app = App::start().await;
    let alice = app.alice().await;
    let id = alice.uploads("a.txt", "hello").await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        alice
            .get(&format!("/v1/documents/{id}/content"))
            .await
            .problem(),
        problem(409, "not_active")
    );
    let head = alice
        .send(
            Method::HEAD,
            &format!("/v1/documents/{id}/content"),
            &[],
            Body::empty(),
        )
        .await;
    assert_eq!((head.status.as_u16(), head.body.len()), (409, 0));
}

#[tokio::test]
async fn one_who_waits_is_answered_when_the_document_settles() {
    let app = App::start().await;
    let alice = app.alice().await;
    let id = alice.uploads("a.txt", "hello").await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (db, feed) = (app.service.db.clone(), app.service.feed.clone());
    let waiters = app.waiters.clone();
    let running = tokio::spawn(async move { waiters.run(&db, feed.as_ref()).await });
    let begun = Instant::now();
    let uri = format!("/v1/documents/{id}?wait=30");
    let (answer, ()) = tokio::join!(alice.get(&uri), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        app.service
            .feed
            .announce_settled(&[id.parse().unwrap()])
            .await
            .unwrap();
    });
    assert_eq!(answer.status, 200);
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    running.abort();
}

#[tokio::test]
async fn health_names_what_fails() {
    let app = App::start().await;
    assert_eq!(app.nobody().get("/health/live").await.status, 200);
    assert_eq!(app.nobody().get("/health/ready").await.status, 200);
    app.service.db.clone().close().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let answer = app.nobody().get("/health/ready").await;
    assert_eq!(
        (answer.problem(), answer.pointers()),
        (problem(503, "unavailable"), vec!["database".to_owned()])
    );
    assert!(answer.header("retry-after").is_some());
    assert_eq!(
        app.admin().get("/v1/documents").await.problem(),
        problem(503, "unavailable")
    );
}

#[tokio::test]
async fn a_request_with_a_key_is_authenticated_once() {
    let rate = "3/h".parse().unwrap();
    let app = App::start_with(|service| service.user_rate = Some(rate)).await;
    let alice = app.alice().await;
    let path = format!("/v1/documents/{UNKNOWN}");
    for (key, expected) in [
        ("a", problem(404, "not_found")),
        ("b", problem(404, "not_found")),
        ("c", problem(404, "not_found")),
        ("d", problem(429, "rate_limited")),
    ] {
        let headers = [("idempotency-key", key)];
        let answer = alice.send(Method::DELETE, &path, &headers, "").await;
        assert_eq!(answer.problem(), expected, "{key}");
    }
}

#[tokio::test]
async fn what_can_match_nothing_is_refused_before_it_is_looked_for() {
    let app = App::start().await;
    let alice = app.alice().await;
    let long = "%61".repeat(8_000);
    for (path, parameter) in [
        ("/v1/documents", "name"),
        ("/v1/documents", "mime_type"),
        ("/v1/documents", "cursor"),
        ("/v1/operations", "cursor"),
    ] {
        let refused = alice.get(&format!("{path}?{parameter}={long}")).await;
        assert_eq!(refused.problem(), (422, "invalid".to_owned()), "{path}");
        assert_eq!(refused.pointers(), [parameter], "{path}");
    }
    assert_eq!(alice.uploads(&long, "x").await.pointers(), ["name"]);
    let most = "%C3%A9".repeat(255);
    let found = alice.get(&format!("/v1/documents?name={most}")).await;
    assert_eq!(found.status, 200);
    let refused = alice.get(&format!("/v1/documents?name={most}x")).await;
    assert_eq!(refused.pointers(), ["name"]);
}
