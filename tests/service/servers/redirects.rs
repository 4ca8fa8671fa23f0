//! Downloads that are redirected to presigned URLs of the storage.

use reqwest::Method;
use reqwest::redirect::Policy;
use serde_json::json;
use tests::app::{Answer, Backend, Client, Mode, TestApp};

const TEXT: &str = "a few words, and no more";

async fn app(backend: Backend, redirect: &str) -> TestApp {
    TestApp::builder(Mode::Distributed)
        .backend(backend)
        .settings(&[("DOSSIER_REDIRECT_DOWNLOADS", redirect)])
        .start()
        .await
}

/// Follows a redirect without credentials.
async fn followed(answer: &Answer, range: Option<&str>) -> reqwest::Response {
    assert_eq!(answer.status, 307, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "private, no-store");
    assert!(answer.body.is_empty());
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none());
    let request = client.build().unwrap().get(answer.header("location"));
    let request = range
        .into_iter()
        .fold(request, |request, range| request.header("range", range));
    request.send().await.unwrap()
}

async fn uploaded(client: &Client) -> String {
    let document = client.active("Überblick.txt", TEXT).await;
    format!("/v1/documents/{}/content", document["id"].as_str().unwrap())
}

async fn redirects_of(backend: Backend) {
    let app = app(backend, "asked").await;
    let alice = app.user("alice").await;
    let path = uploaded(&alice).await;
    let plain = alice.get(&path).await;
    assert_eq!((plain.status.as_u16(), plain.text().as_str()), (200, TEXT));

    let answer = alice.get(&format!("{path}?redirect=true")).await;
    let whole = followed(&answer, None).await;
    assert_eq!(whole.status(), 200);
    for (name, expected) in [
        ("content-type", plain.header("content-type")),
        ("content-disposition", plain.header("content-disposition")),
        ("cache-control", "private, no-store"),
    ] {
        assert_eq!(whole.headers()[name], expected, "{name}");
    }
    assert_eq!(whole.text().await.unwrap(), TEXT);
    let part = followed(&answer, Some("bytes=2-4")).await;
    assert_eq!(part.status(), 206);
    assert_eq!(part.text().await.unwrap(), &TEXT[2..5]);

    let head = alice.request(Method::HEAD, &format!("{path}?redirect=true"));
    assert_eq!(alice.send(head).await.status, 200);
    let conditional = alice
        .request(Method::GET, &format!("{path}?redirect=true"))
        .header("if-none-match", plain.header("etag"));
    assert_eq!(alice.send(conditional).await.status, 304);

    // A URL that was changed opens nothing else.
    let location = answer.header("location").replace("attachment", "inline");
    assert_ne!(location, answer.header("location"));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let forged = client.get(location).send().await.unwrap();
    assert!(forged.status().is_client_error(), "{}", forged.status());
}

#[tokio::test]
async fn a_download_from_s3_is_redirected_where_asked() {
    Box::pin(redirects_of(Backend::S3)).await;
}

#[tokio::test]
async fn a_download_from_azure_is_redirected_where_asked() {
    Box::pin(redirects_of(Backend::Azure)).await;
}

#[tokio::test]
async fn always_covers_every_content_route_unless_the_client_declines() {
    let app = app(Backend::S3, "always").await;
    let alice = app.user("alice").await;
    let path = uploaded(&alice).await;
    let document = path.trim_end_matches("/content");
    let public = json!({"unique_name": "the-text", "is_public": true});
    alice.patch_json(document, &public).await.expecting(200);
    let version = format!("{document}/versions/1/content");
    for path in [path.as_str(), &version, "/public/the-text/content"] {
        let answer = alice.get(path).await;
        let whole = followed(&answer, None).await;
        assert_eq!(whole.text().await.unwrap(), TEXT, "{path}");
        let declined = alice.get(&format!("{path}?redirect=false")).await;
        assert_eq!(declined.status, 200, "{path}");
        assert_eq!(declined.text(), TEXT, "{path}");
    }
    let export = json!({"action": "export", "select": {"filter": {}}});
    let operation = alice.runs(&export).await;
    let result = alice.get(&tests::app::result_path(&operation)).await;
    let archive = followed(&result, None).await;
    assert_eq!(archive.headers()["content-type"], "application/zip");
    assert!(archive.bytes().await.unwrap().starts_with(b"PK"));
}

#[tokio::test]
async fn never_and_what_can_not_be_presigned_give_the_bytes() {
    let alone = app(Backend::S3, "never").await;
    let without_keys = app(Backend::Gcs, "always").await;
    let files = TestApp::builder(Mode::Embedded)
        .settings(&[("DOSSIER_REDIRECT_DOWNLOADS", "always")])
        .start()
        .await;
    for app in [alone, without_keys, files] {
        let alice = app.user("alice").await;
        let path = uploaded(&alice).await;
        let answer = alice.get(&format!("{path}?redirect=true")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text().as_str()),
            (200, TEXT)
        );
    }
}
