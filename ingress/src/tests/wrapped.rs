//! What lies around every answer: compression, and leave for the scripts of other origins.

use poem::Body;
use poem::http::Method;

use super::app::{App, CORS_ORIGIN};

#[tokio::test]
async fn large_json_is_compressed_as_the_client_asks() {
    let app = App::start().await;
    let plain = app.nobody().get("/openapi.json").await;
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(plain.header("vary"), Some("Accept-Encoding"));
    for (asked, encoding) in [
        ("zstd, br, gzip", "zstd"),
        ("br, gzip;q=0.9", "br"),
        ("gzip", "gzip"),
    ] {
        let ask = |method| {
            let headers = [("accept-encoding", asked)];
            let nobody = app.nobody();
            async move {
                nobody
                    .send(method, "/openapi.json", &headers, Body::empty())
                    .await
            }
        };
        let small = ask(Method::GET).await;
        assert_eq!(small.header("content-encoding"), Some(encoding));
        assert!(small.body.len() * 4 < plain.body.len(), "{encoding}");
        assert_eq!(
            ask(Method::HEAD).await.header("content-encoding"),
            Some(encoding)
        );
    }
    let asked = [("accept-encoding", "deflate, identity")];
    let other = app
        .nobody()
        .send(Method::GET, "/openapi.json", &asked, Body::empty())
        .await;
    assert_eq!(other.body, plain.body);
}

#[tokio::test]
async fn what_is_small_stays_as_it_is() {
    let app = App::start().await;
    let alice = app.alice().await;
    let document = alice.uploads("a.txt", "hello").await;
    let asked = [("accept-encoding", "gzip")];
    let read = alice
        .send(
            Method::GET,
            document.header("location").unwrap(),
            &asked,
            Body::empty(),
        )
        .await;
    assert_eq!(
        (read.header("content-encoding"), read.json()),
        (None, document.json())
    );
    assert_eq!(read.header("etag"), Some("\"r1\""));
}

#[tokio::test]
async fn a_browser_may_ask_first_and_then_ask() {
    let app = App::start().await;
    let origin = [
        ("origin", CORS_ORIGIN),
        ("access-control-request-method", "PATCH"),
    ];
    let preflight = app
        .nobody()
        .send(Method::OPTIONS, "/v1/documents/x", &origin, Body::empty())
        .await;
    assert_eq!(preflight.status, 204);
    assert_eq!(
        preflight.header("access-control-allow-origin"),
        Some(CORS_ORIGIN)
    );
    assert!(
        preflight
            .header("access-control-allow-methods")
            .unwrap()
            .contains("PATCH")
    );
    assert!(
        preflight
            .header("access-control-allow-headers")
            .unwrap()
            .contains("Authorization")
    );
    let refused = app
        .nobody()
        .send(Method::GET, "/v1/documents", &origin[..1], Body::empty())
        .await;
    assert_eq!(refused.problem(), (401, "unauthorized".to_owned()));
    assert_eq!(
        refused.header("access-control-allow-origin"),
        Some(CORS_ORIGIN)
    );
    assert!(
        refused
            .header("access-control-expose-headers")
            .unwrap()
            .contains("ETag")
    );
}

#[tokio::test]
async fn other_origins_get_no_leave() {
    let app = App::start().await;
    for origin in [
        "https://evil.example.com",
        "null",
        "https://app.example.com.evil",
    ] {
        let headers = [("origin", origin), ("access-control-request-method", "GET")];
        let preflight = app
            .nobody()
            .send(Method::OPTIONS, "/v1/documents", &headers, Body::empty())
            .await;
        // What a resource accepts is told to everybody; scripts of others may not use it.
        let allowed = preflight.header("access-control-allow-origin");
        assert_eq!(allowed, None, "{origin}");
        let answer = app
            .nobody()
            .send(Method::GET, "/health/live", &headers[..1], Body::empty())
            .await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            None,
            "{origin}"
        );
    }
}
