//! Uploads straight to the storage, sent by a client that knows the signed URLs and nothing else.

use std::time::Duration;

use bytes::Bytes;
use queue::JobKind;
use reqwest::StatusCode;
use serde_json::{Value, json};
use storage::{Environment, Signed, StorageUrl};
use tests::app::{Answer, Backend, Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::poll::wait_until;
use tests::servers::FakeGcs;

const PATIENCE: Duration = Duration::from_mins(1);

/// More than goes in one request.
const LARGE: usize = (64 << 20) + 12_345;

/// Long enough for all requests of a test.
const EXPIRES: &str = "24h";

/// As if the signatures were over, after which what was written late is removed.
async fn ends(app: &TestApp) {
    app.tampers("UPDATE discards SET at = 0").await;
    app.works_off(JobKind::RemoveDiscarded).await;
    app.ends_clean().await;
}

async fn app(backend: Backend, expires: &str) -> TestApp {
    TestApp::builder(Mode::Distributed)
        .backend(backend)
        .settings(&[("DOSSIER_UPLOAD_EXPIRES", expires)])
        .start()
        .await
}

async fn begins(client: &Client, body: &Value) -> Answer {
    client.post_json("/v1/direct-uploads", body).await.answer()
}

/// Puts bytes to a signed URL, without a token.
async fn put(url: &str, headers: &Value, bytes: Bytes) -> reqwest::Response {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.put(url).header("content-length", bytes.len());
    for (name, value) in headers.as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    request.body(bytes).send().await.unwrap()
}

/// Sends the bytes of an upload, and returns what completes it.
async fn sends(upload: &Value, bytes: &Bytes) -> Value {
    let Some(parts) = upload["parts"].as_array() else {
        let url = upload["url"].as_str().unwrap();
        let sent = put(url, &upload["headers"], bytes.clone()).await;
        let status = sent.status();
        assert!(status.is_success(), "{status} {:?}", sent.text().await);
        return json!({});
    };
    assert_eq!(upload["url"], Value::Null);
    let (mut written, mut at) = (Vec::new(), 0);
    for part in parts {
        let end = at + usize::try_from(part["size_bytes"].as_u64().unwrap()).unwrap();
        let url = part["url"].as_str().unwrap();
        let sent = put(url, &upload["headers"], bytes.slice(at..end)).await;
        let status = sent.status();
        assert!(status.is_success(), "{status} {:?}", sent.text().await);
        let tag = sent.headers().get("etag");
        let tag = tag.map_or("", |tag| tag.to_str().unwrap());
        written.push(json!({"number": part["number"], "etag": tag}));
        at = end;
    }
    assert_eq!(at, bytes.len());
    json!({ "parts": written })
}

fn path(upload: &Value) -> String {
    format!("/v1/direct-uploads/{}", upload["id"].as_str().unwrap())
}

async fn completes(client: &Client, upload: &Value, body: &Value) -> Answer {
    let path = format!("{}/complete", path(upload));
    client.post_json(&path, body).await.answer()
}

async fn reserved(client: &Client) -> Value {
    client.get("/v1/usage").await.expecting(200)["bytes"]["reserved"].clone()
}

async fn go_straight_to(backend: Backend) {
    let app = app(backend, EXPIRES).await;
    let alice = app.user("alice").await;
    for (number, size) in (1..).zip([0, 12, 1_000_000, LARGE]) {
        let bytes = pseudo_random(number, size);
        let sha256 = domain::Sha256::of(&bytes).to_string();
        let mut wanted = json!({
            "name": format!("{size}.bin"), "size_bytes": size, "metadata": {"size": size},
            "declared_type": "application/octet-stream",
        });
        if number % 2 == 0 {
            wanted["sha256"] = json!(sha256);
        }
        let begun = begins(&alice, &wanted).await;
        let upload = begun.expecting(201);
        assert_eq!(begun.header("location"), path(&upload));
        assert_eq!(upload["method"], "PUT");
        assert_eq!(upload["parts"].is_null(), size < LARGE, "{upload}");
        assert_eq!(reserved(&alice).await, size);
        let read = alice.get(&path(&upload)).await.expecting(200);
        assert_eq!(
            (&read["id"], &read["status"]),
            (&upload["id"], &json!("open"))
        );

        let written = sends(&upload, &bytes).await;
        let completed = completes(&alice, &upload, &written).await;
        let document = completed.expecting(202);
        assert_eq!(document["id"], upload["id"]);
        assert_eq!(document["sha256"].is_null(), number % 2 == 1, "{document}");
        let location = format!("/v1/documents/{}", document["id"].as_str().unwrap());
        assert_eq!(completed.header("location"), location);
        let document = alice.settled(&document).await;
        assert_eq!(document["status"], "active", "{document}");
        assert_eq!(document["sha256"], sha256);
        assert_eq!(document["metadata"]["size"], size);
        assert!(alice.downloads(&document).await == bytes, "other bytes");
        assert_eq!(reserved(&alice).await, 0);

        // Again it is the same document, and what comes later changes nothing.
        completes(&alice, &upload, &json!({})).await.expecting(202);
        if let Some(url) = upload["url"].as_str() {
            let other = pseudo_random(100 + number, size);
            put(url, &upload["headers"], other).await;
        }
        assert!(alice.downloads(&document).await == bytes, "it was changed");
        let read = alice.get(&path(&upload)).await.expecting(200);
        assert_eq!(read["status"], "complete");
        assert_eq!(read["document_id"], document["id"]);
        assert_eq!(read["url"], Value::Null);
    }
    ends(&app).await;
}

#[tokio::test]
async fn documents_go_straight_to_s3() {
    Box::pin(go_straight_to(Backend::S3)).await;
}

#[tokio::test]
async fn documents_go_straight_to_azure() {
    Box::pin(go_straight_to(Backend::Azure)).await;
}

async fn are_verified_in(backend: Backend) {
    let app = app(backend, EXPIRES).await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(9, 1_000);
    let other = domain::Sha256::of(b"other bytes").to_string();
    let wanted = json!({"name": "a.bin", "size_bytes": 1_000, "sha256": other});
    let upload = begins(&alice, &wanted).await.expecting(201);
    // Nothing is there yet, and it has no parts.
    let early = completes(&alice, &upload, &json!({})).await;
    early.expect_problem(409, "not_ready");
    let parts = json!({"parts": [{"number": 1, "etag": "x"}]});
    let early = completes(&alice, &upload, &parts).await;
    early.expect_problem(422, "invalid");
    sends(&upload, &bytes).await;
    let document = completes(&alice, &upload, &json!({})).await.expecting(202);
    let document = alice.settled(&document).await;
    assert_eq!(document["status"], "error", "{document}");
    assert_eq!(document["error"]["code"], "digest_mismatch");

    let wanted = json!({"name": "a.bin", "size_bytes": 999});
    let upload = begins(&alice, &wanted).await.expecting(201);
    let url = upload["url"].as_str().unwrap();
    let sent = put(url, &upload["headers"], bytes.clone()).await;
    if sent.status().is_success() {
        let document = completes(&alice, &upload, &json!({})).await.expecting(202);
        let document = alice.settled(&document).await;
        assert_eq!(document["error"]["code"], "digest_mismatch", "{document}");
    } else {
        // The length is signed.
        assert_eq!(sent.status(), StatusCode::FORBIDDEN);
    }
    ends(&app).await;
}

#[tokio::test]
async fn what_goes_straight_to_s3_is_verified() {
    Box::pin(are_verified_in(Backend::S3)).await;
}

#[tokio::test]
async fn what_goes_straight_to_azure_is_verified() {
    Box::pin(are_verified_in(Backend::Azure)).await;
}

#[tokio::test]
async fn direct_uploads_belong_to_their_owner_and_end() {
    let app = app(Backend::S3, "24h").await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let wanted = json!({"name": "a.bin", "size_bytes": LARGE});
    let upload = begins(&alice, &wanted).await.expecting(201);
    let path = path(&upload);
    bob.get(&path).await.expect_problem(404, "not_found");
    bob.delete(&path).await.expect_problem(404, "not_found");
    let stolen = completes(&bob, &upload, &json!({})).await;
    stolen.expect_problem(404, "not_found");
    // It isn't one of those that pass through the service.
    let passing = format!("/v1/uploads/{}", upload["id"].as_str().unwrap());
    alice.get(&passing).await.expect_problem(404, "not_found");
    let listed = alice.get("/v1/uploads").await.expecting(200);
    assert_eq!(listed["items"], json!([]));
    let anew = alice.post_json(&format!("{path}/parts"), &json!({})).await;
    let anew = anew.answer().expecting(200);
    assert_eq!(anew["parts"].as_array().unwrap().len(), 2);
    let one = json!({"parts": [{"number": 1, "etag": "x"}]});
    let early = completes(&alice, &upload, &one).await;
    early.expect_problem(422, "invalid");

    let too_large = json!({"name": "a.bin", "size_bytes": 6_u64 << 30});
    let refused = begins(&alice, &too_large).await;
    refused.expect_problem(413, "too_large");
    let beyond = json!({"name": "a.bin", "size_bytes": 5_u64 << 30});
    begins(&alice, &beyond).await.expecting(201);
    let refused = begins(&alice, &beyond).await;
    refused.expect_problem(403, "quota_exceeded");

    alice.delete(&path).await.expecting(204);
    alice.get(&path).await.expect_problem(404, "not_found");
    assert_eq!(reserved(&alice).await, 5_u64 << 30);
}

#[tokio::test]
async fn abandoned_direct_uploads_expire_with_their_parts() {
    let app = app(Backend::S3, "3s").await;
    let alice = app.user("alice").await;
    let wanted = json!({"name": "a.bin", "size_bytes": LARGE});
    let upload = begins(&alice, &wanted).await.expecting(201);
    wait_until(PATIENCE, "it expires", async || {
        app.works_off(JobKind::ExpireUploads).await;
        reserved(&alice).await == 0
    })
    .await;
    let late = completes(&alice, &upload, &json!({})).await;
    assert!(matches!(late.status.as_u16(), 404 | 410), "{late:?}");
    let places = app.places().await;
    let appending = places.store().appending().unwrap();
    let later = domain::Timestamp::from_micros(i64::MAX / 2);
    wait_until(PATIENCE, "its parts are gone", async || {
        use futures::TryStreamExt;
        let open = appending.unfinished(later).await.unwrap();
        open.try_collect::<Vec<_>>().await.unwrap().is_empty()
    })
    .await;
    app.ends_clean().await;
}

#[tokio::test]
async fn local_files_have_no_urls_for_uploads() {
    let app = TestApp::start(Mode::Embedded).await;
    let alice = app.user("alice").await;
    let wanted = json!({"name": "a.bin", "size_bytes": 1});
    let refused = begins(&alice, &wanted).await;
    refused.expect_problem(501, "not_supported");
    let printed = app.command(&["storage", "cors"]).await;
    assert_eq!(printed.code, 1);
}

#[tokio::test]
async fn the_rules_for_scripts_are_printed() {
    let app = TestApp::builder(Mode::Distributed)
        .settings(&[("DOSSIER_CORS_ORIGINS", "https://app.example")])
        .start()
        .await;
    let printed = app.command(&["storage", "cors"]).await;
    assert_eq!(printed.code, 0);
    let rules: Value = domain::read_json(printed.printed.as_bytes()).unwrap();
    let rule = &rules["CORSRules"][0];
    assert_eq!(rule["AllowedOrigins"], json!(["https://app.example"]));
}

/// The emulator checks no signatures: the text that is signed is Google's, as for downloads.
#[tokio::test]
async fn google_signs_one_request() {
    let gcs = FakeGcs::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let file = super::gcs::account_file(folder.path(), "http://127.0.0.1:1/token");
    let variables = [("GOOGLE_APPLICATION_CREDENTIALS", file)];
    let url: StorageUrl = gcs.fresh_storage_url().await.parse().unwrap();
    let storage = url.connect_in(&Environment::only(variables)).await.unwrap();
    let direct = storage.direct().unwrap();
    let object = storage.place().join(&tests::objects::old_key()).unwrap();
    let size = domain::ByteSize::new(LARGE as u64);
    let parts = direct.begin(&object, size).await.unwrap().unwrap();
    let upload = storage::DirectUpload {
        url: object,
        size,
        parts,
    };
    let signed = direct.sign(&upload, PATIENCE).await.unwrap();
    let Signed::Whole { url, headers } = signed else {
        panic!("{signed:?}");
    };
    let query: Vec<_> = url.query_pairs().collect();
    let parameter = |name: &str| {
        let found = query.iter().find(|(one, _)| one == name);
        found.unwrap().1.to_string()
    };
    assert_eq!(
        parameter("X-Goog-SignedHeaders"),
        "host;x-goog-content-length-range"
    );
    assert_eq!(headers[0].1, format!("{LARGE},{LARGE}"));
}
