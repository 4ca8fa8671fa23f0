//! Hostile clients: JSON that is too deep, too long, too much, and texts that databases can't
//! keep; requests that never come to their end.

use std::time::Duration;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::content::PDF;
use tests::in_both_modes;
use tests::poll::{poll, wait_until};
use tests::slow::{half_open, trickle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long connections may take to be gone after the last one was closed.
const PATIENCE: Duration = Duration::from_secs(90);

async fn patch(client: &Client, path: &str, body: String) -> tests::app::Answer {
    let request = client.request(Method::PATCH, path);
    client
        .send(
            request
                .header("content-type", "application/json")
                .body(body),
        )
        .await
}

/// `{"metadata":{"a":[[[…1…]]]}}` with so many brackets.
fn nested(depth: usize) -> String {
    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
    format!("{{\"a\":{open}1{close}}}")
}

#[in_both_modes]
async fn json_that_is_too_much_is_refused_and_the_rest_is_kept(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let pending = alice.uploads("a.pdf", PDF).await;
    let document = alice.settled(&pending).await;
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    let metadata = |inner: &str| patch(&alice, &path, format!("{{\"metadata\":{inner}}}"));

    for depth in [1, 50, 100] {
        let kept = metadata(&nested(depth)).await.expecting(200);
        let sent: Value = domain::read_json(nested(depth).as_bytes()).unwrap();
        assert_eq!(kept["metadata"], sent);
        assert_eq!(alice.get(&path).await.expecting(200)["metadata"], sent);
    }
    for depth in [200, 20_000, 200_000] {
        metadata(&nested(depth))
            .await
            .expect_problem(400, "bad_json");
    }
    let keys = |count: usize| {
        let keys: serde_json::Map<_, _> =
            (0..count).map(|key| (key.to_string(), json!(1))).collect();
        Value::Object(keys).to_string()
    };
    metadata("{\"a\":null}").await.expecting(200);
    metadata(&keys(64)).await.expecting(200);
    metadata(&keys(65)).await.expect_problem(422, "invalid");
    let inner = format!("{{\"a\":{}}}", keys(64));
    metadata(&inner).await.expect_problem(422, "invalid");
    metadata(&format!("{{\"0\":\"{}\"}}", "x".repeat(17 << 10)))
        .await
        .expect_problem(422, "invalid");
    metadata("{\"0\":\"\\u0000\"}")
        .await
        .expect_problem(422, "invalid");
    metadata("{\"0\":\"\\ud800\"}")
        .await
        .expect_problem(400, "bad_json");
    metadata("{\"0\":1e1000}")
        .await
        .expect_problem(422, "invalid");
    patch(
        &alice,
        &path,
        format!("{{\"name\":\"{}\"}}", "x".repeat(2 << 20)),
    )
    .await
    .expect_problem(413, "too_large");
    for broken in [
        "",
        "{",
        "[1",
        "{\"a\" 1}",
        "nul",
        "\u{feff}{}",
        "{\"name\":\"a\"}x",
    ] {
        patch(&alice, &path, broken.to_owned())
            .await
            .expect_problem(400, "bad_json");
    }
    patch(&alice, &path, "[]".to_owned())
        .await
        .expect_problem(422, "invalid");
    let kept = alice.get(&path).await.expecting(200);
    assert_eq!(kept["metadata"].as_object().unwrap().len(), 64);
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_metadata_filter_has_a_bounded_depth(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let asked = |metadata: String| {
        let request = alice
            .request(Method::GET, "/v1/documents")
            .query(&[("metadata", metadata)]);
        alice.send(request)
    };
    for depth in [0, 1, 6] {
        asked(nested(depth)).await.expecting(200);
    }
    for depth in [9, 60, 120, 1_000] {
        let refused = asked(nested(depth)).await;
        refused.expect_problem(422, "invalid");
        assert_eq!(refused.json()["errors"][0]["pointer"], "metadata");
    }
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_are_closed_and_hold_up_nobody() {
    let app = TestApp::builder(Mode::Embedded)
        .settings(&[("DOSSIER_DATABASE_CONNECTIONS", "4")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let first = alice.uploads("first.pdf", PDF).await;
    alice.settled(&first).await;
    let quiet = app.ingress().open_files();

    let api = app.ingress().api();
    let half = join_all((0..60).map(|_| half_open(&api)));
    let slow = join_all((0..30).map(|_| trickle(&api, app.admin_key())));
    let honest = async {
        let are_open = async || app.ingress().open_files() >= quiet + 90;
        wait_until(PATIENCE, "all are connected", are_open).await;
        for index in 0..20 {
            let pending = alice.uploads(&format!("{index}.pdf"), PDF).await;
            let document = alice.settled(&pending).await;
            assert_eq!(alice.downloads(&document).await, PDF);
        }
    };
    let (half, slow, ()) = tokio::join!(half, slow, honest);
    for closed in half {
        assert_eq!(closed.answer, "", "half a header has no answer");
    }
    for closed in slow {
        assert!(closed.answer.starts_with("HTTP/1.1 408 "), "{closed:?}");
    }
    // Each reader of the database holds three files, and may have come only now.
    let most = quiet + 3 * 4;
    poll(PATIENCE, async || match app.ingress().open_files() {
        open if open <= most => Ok(()),
        open => Err(format!("{open} are open")),
    })
    .await;
    app.staging_holds_nothing(Duration::from_secs(20)).await;
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_connections_waits_until_it_is_let_in() {
    let app = TestApp::start(Mode::Embedded).await;
    let api = app.ingress().api();
    let address = api.trim_start_matches("http://");
    let queue = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    let burst = queue.trim().parse::<usize>().unwrap().min(500);
    app.ingress().pause();
    let connecting = join_all((0..burst).map(|_| TcpStream::connect(address)));
    // Who has no room in the queue is not connected before the service goes on.
    let connected = tokio::time::timeout(PATIENCE, connecting).await.unwrap();
    let mut streams: Vec<_> = connected.into_iter().map(Result::unwrap).collect();
    for stream in &mut streams {
        let request = b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
    }
    app.ingress().resume();
    for mut stream in streams {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    app.ends_clean().await;
}
