//! Clients who hold all that they can: memory, descriptors, places in flight. Others are served.

use std::net::Ipv4Addr;
use std::time::Duration;

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;
use tests::app::{Client, Mode, TestApp};
use tests::content::{PDF, pseudo_random};
use tests::http2::{Greedy, STREAMS, connect_from};
use tests::in_both_modes;
use tests::poll::wait_until;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// What a process may hold more than before for those who take nothing: far less than a chunk
/// for each of their streams.
const MEMORY: u64 = 96 << 20;

/// Connections of the greedy.
const CONNECTIONS: usize = 4;

/// A document of some mebibytes under a public name.
async fn publish(client: &Client) {
    let pending = client.uploads("large.bin", pseudo_random(1, 4 << 20)).await;
    let document = client.settled(&pending).await;
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    let changes = json!({"unique_name": "large", "is_public": true});
    client.patch_json(&path, &changes).await.expecting(200);
}

/// Somebody with a key uploads, and reads what was uploaded; health is told.
async fn is_served(app: &TestApp, client: &Client) {
    let pending = client.uploads("report.pdf", PDF).await;
    let document = client.settled(&pending).await;
    assert_eq!(client.downloads(&document).await, PDF);
    let live = reqwest::get(format!("{}/health/live", app.ingress().ops())).await;
    assert_eq!(live.unwrap().status(), 200);
}

/// Waits until the service has noticed that its clients are gone.
async fn nothing_is_in_flight(app: &TestApp) {
    wait_until(Duration::from_mins(1), "no request in flight", async || {
        meter(app, "dossier_http_requests_in_flight ").await == 0
    })
    .await;
}

/// The meters of the process that serves the API, one of them by its name and labels.
async fn meter(app: &TestApp, name: &str) -> usize {
    let text = reqwest::get(format!("{}/metrics", app.ingress().ops())).await;
    let text = text.unwrap().text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{name}: {text}"))
        .trim()
        .parse()
        .unwrap()
}

#[in_both_modes]
async fn answers_that_nobody_takes_cost_little(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    publish(&alice).await;
    is_served(&app, &bob).await;
    let (before, _) = app.ingress().resident_memory();
    let files = app.ingress().open_files();
    let api = app.ingress().api();
    for (path, window) in [
        ("/docs", 0),
        ("/openapi.json", 1),
        ("/public/large/content", 0),
        ("/public/large/content", 1),
    ] {
        let greedy = join_all((0..CONNECTIONS).map(|_| Greedy::ask(&api, path, window))).await;
        let heads: Vec<_> = greedy.iter().flat_map(|peer| &peer.heads).collect();
        let (taken, refused): (Vec<_>, Vec<_>) =
            heads.into_iter().partition(|(status, _)| *status == 200);
        // Where storage is slow, some wait for memory longer than a request may.
        for (status, headers) in refused {
            assert_eq!(*status, 503, "{path}, window {window}");
            assert!(headers.contains_key("retry-after"));
        }
        assert!(
            taken.len() >= STREAMS,
            "{path}, window {window}: {}",
            taken.len()
        );
        is_served(&app, &bob).await;
        let (_, most) = app.ingress().resident_memory();
        assert!(
            most < before + MEMORY,
            "{path}, window {window}: from {before} to {most} bytes"
        );
        // Sockets, and some of the database and of bob; none for the streams.
        let open = app.ingress().open_files();
        assert!(
            open < files + CONNECTIONS + STREAMS,
            "{path}, window {window}: from {files} to {open}"
        );
        assert!(meter(&app, "dossier_http_requests_in_flight ").await >= taken.len());
        drop(greedy);
        nothing_is_in_flight(&app).await;
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_stranger_has_a_share_of_what_is_in_flight_and_no_more(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_MAX_REQUESTS_PER_ADDRESS", "100")])
        .start()
        .await;
    let bob = app.user("bob").await;
    let api = app.ingress().api();
    let greedy = join_all((0..CONNECTIONS).map(|_| Greedy::ask(&api, "/docs", 0))).await;
    let heads: Vec<_> = greedy.iter().flat_map(|peer| &peer.heads).collect();
    let (taken, refused): (Vec<_>, Vec<_>) =
        heads.into_iter().partition(|(status, _)| *status == 200);
    assert_eq!(taken.len(), 100);
    for (status, headers) in refused {
        assert_eq!(*status, 503);
        assert!(headers.contains_key("retry-after"));
    }
    assert!(
        meter(
            &app,
            "dossier_http_requests_refused_total{reason=\"address\"} "
        )
        .await
            >= 1
    );
    app.nobody()
        .get("/docs")
        .await
        .expect_problem(503, "overloaded");
    assert_eq!(app.nobody().get("/health/live").await.status, 200);
    // Whose token is good has their own share, from the same address.
    is_served(&app, &bob).await;
    // Whose token is not has none.
    let liars =
        join_all((0..20).map(|_| async { app.bearer("wrong").get("/v1/usage").await })).await;
    assert!(
        liars
            .iter()
            .all(|answer| [401, 503].contains(&answer.status.as_u16()))
    );
    is_served(&app, &bob).await;
    drop(greedy);
    app.ends_clean().await;
}

#[in_both_modes]
async fn strangers_at_many_addresses_shut_nobody_out(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_MAX_CONNECTIONS", "64")])
        .start()
        .await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    publish(&alice).await;
    let api = app.ingress().api();
    for path in ["/docs", "/public/large/content"] {
        let greedy = join_all(
            (2..6).map(|host| Greedy::ask_from(Ipv4Addr::new(127, 0, 0, host), &api, path, 1)),
        )
        .await;
        let taken = greedy
            .iter()
            .flat_map(|peer| &peer.heads)
            .filter(|(status, _)| *status == 200)
            .count();
        assert!(taken >= 8, "{path}: {taken}");
        // Who has nothing yet has a place, with or without a key that was never seen.
        assert_eq!(app.nobody().get("/openapi.json").await.status, 200);
        is_served(&app, &app.user(&format!("new-{}", path.len())).await).await;
        for _ in 0..3 {
            is_served(&app, &bob).await;
        }
        drop(greedy);
        nothing_is_in_flight(&app).await;
    }
    // Over HTTP/1.1 each has a connection, and takes nothing.
    let mut readers = Vec::new();
    for number in 0..96_u8 {
        let mut socket = connect_from(Ipv4Addr::new(127, 0, 0, 2 + number % 6), &api).await;
        // One that was closed at once is none.
        let _ = socket
            .write_all(b"GET /public/large/content HTTP/1.1\r\nhost: x\r\n\r\n")
            .await;
        readers.push(socket);
    }
    for _ in 0..3 {
        is_served(&app, &bob).await;
    }
    drop(readers);
    app.ends_clean().await;
}

#[in_both_modes]
async fn long_json_holds_up_nobody(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (before, _) = app.ingress().resident_memory();
    let ids: Vec<_> = (0..100_000)
        .map(|_| "0192aaaa-5e1f-7c1e-9d0a-1b2c3d4e5f60")
        .collect();
    let refused = json!({"action": "archive", "select": {"ids": ids}, "unknown": 1}).to_string();
    let empty = format!(
        "{{\"action\":\"archive\",\"select\":{{\"ids\":[{}[]]}}}}",
        "[],".repeat(1_000_000)
    );
    let send = |body: &str, key: Option<String>| {
        let mut request = alice
            .request(Method::POST, "/v1/operations")
            .header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        alice.send(request.body(body.to_owned()))
    };
    let long = join_all((0..24).map(|number| {
        let keyed = (number % 3 == 0).then(|| number.to_string());
        send(if number % 2 == 0 { &refused } else { &empty }, keyed)
    }));
    let (long, ()) = tokio::join!(long, async {
        for _ in 0..3 {
            is_served(&app, &bob).await;
        }
    });
    let codes: Vec<_> = long
        .iter()
        .map(|answer| (answer.status.as_u16(), answer.json()["code"].clone()))
        .collect();
    for (status, code) in &codes {
        assert!([413, 422, 503].contains(status), "{status} {code}");
    }
    assert!(
        codes.iter().any(|(status, _)| *status == 422)
            && codes.iter().any(|(status, _)| *status == 413),
        "{codes:?}"
    );
    let (_, most) = app.ingress().resident_memory();
    assert!(most < before + 3 * MEMORY, "from {before} to {most} bytes");
    assert_eq!(meter(&app, "dossier_http_json_bytes_held ").await, 0);
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_leave_descriptors_for_those_who_ask() {
    let app = TestApp::start(Mode::Embedded).await;
    let (allowed, most) = (100, 512);
    app.ingress().terminate().await;
    app.ingress().restart_with_files(allowed, most).await;
    let address = app.ingress().api();
    let address = address.trim_start_matches("http://");
    let idle = join_all((0..most).map(|_| TcpStream::connect(address))).await;
    assert!(idle.iter().all(Result::is_ok));
    let alice = app.user("alice").await;
    is_served(&app, &alice).await;
    let open = app.ingress().open_files();
    assert!(allowed < open && open < most * 3 / 4, "{open} are open");
    assert!(meter(&app, "dossier_http_idle_connections_closed_total ").await >= 1);
    let ready = reqwest::get(format!("{}/health/ready", app.ingress().ops())).await;
    assert_eq!(ready.unwrap().status(), 200);
    drop(idle);
    app.ends_clean().await;
}
