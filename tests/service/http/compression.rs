//! Compression: of JSON answers that are worth it, never of content.

use reqwest::Method;
use serde_json::json;
use tests::app::{Mode, TestApp};
use tests::in_both_modes;

#[in_both_modes]
async fn a_long_list_is_compressed_as_the_client_asks(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    for number in 0..5 {
        let pending = alice
            .uploads(
                &format!("{number}.txt"),
                "some words, again and again\n".repeat(100),
            )
            .await;
        alice.settled(&pending).await;
    }
    let plain = alice.get("/v1/documents").await;
    assert!(plain.body.len() > 1 << 10);
    assert_eq!(
        (plain.header("content-encoding"), plain.header("vary")),
        ("", "Accept-Encoding")
    );
    for (asked, encoding) in [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, br", "br"),
        ("gzip", "gzip"),
        ("zstd;q=0", ""),
    ] {
        let ask = |path: &str| {
            alice.send(
                alice
                    .request(Method::GET, path)
                    .header("accept-encoding", asked),
            )
        };
        let answer = ask("/v1/documents").await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-encoding")),
            (200, encoding)
        );
        assert!(answer.body.len() < plain.body.len() || encoding.is_empty());
        let document = &plain.json()["items"][0];
        let content = ask(&format!(
            "/v1/documents/{}/content",
            document["id"].as_str().unwrap()
        ))
        .await;
        assert_eq!(
            (content.header("content-encoding"), content.header("vary")),
            ("", "")
        );
        assert_eq!(json!(content.body.len()), document["size_bytes"]);
    }
}

#[in_both_modes]
async fn browsers_of_other_origins_may_only_if_the_operator_says_so(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[(
            "DOSSIER_CORS_ORIGINS",
            "https://app.example.com,http://localhost:3000",
        )])
        .start()
        .await;
    let alice = app.user("alice").await;
    let ask = |method, origin: &str| {
        let request = alice
            .request(method, "/v1/documents")
            .header("origin", origin);
        alice.send(request.header("access-control-request-method", "POST"))
    };
    for origin in ["https://app.example.com", "http://localhost:3000"] {
        let preflight = ask(Method::OPTIONS, origin).await;
        assert_eq!(
            (
                preflight.status.as_u16(),
                preflight.header("access-control-allow-origin")
            ),
            (204, origin)
        );
        let answer = ask(Method::GET, origin).await;
        assert_eq!(
            (
                answer.status.as_u16(),
                answer.header("access-control-allow-origin")
            ),
            (200, origin)
        );
    }
    // What a resource accepts is told to everybody; scripts of others may not use it.
    let preflight = ask(Method::OPTIONS, "https://evil.example.com").await;
    assert!(
        !preflight
            .headers
            .contains_key("access-control-allow-origin")
    );
    assert_eq!(
        ask(Method::GET, "https://evil.example.com")
            .await
            .header("access-control-allow-origin"),
        ""
    );
}
