//! Uploads straight to the storage, sent by a client that knows the signed URLs and nothing else.

use std::time::Duration;

use futures::TryStreamExt;
use queue::JobKind;
use reqwest::StatusCode;
use serde_json::{Value, json};
use storage::{Environment, Signed, StorageUrl};
use tempfile::TempDir;
use tests::app::{Backend, Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::direct;
use tests::poll::wait_until;
use tests::servers::{FakeGcs, Receiver, Reply};

use super::gcs::account_file;

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
    app_with(backend, expires, &[]).await
}

async fn app_with(backend: Backend, expires: &str, credentials: &[(&str, &str)]) -> TestApp {
    TestApp::builder(Mode::Distributed)
        .backend(backend)
        .settings(&[("DOSSIER_UPLOAD_EXPIRES", expires)])
        .settings(credentials)
        .start()
        .await
}

/// The account of Google whose key signs. Its tokens come from a server of the test; the storage server
/// checks neither them nor signatures.
struct Account {
    _tokens: Receiver,
    _folder: TempDir,
    file: String,
}

impl Account {
    fn new() -> Self {
        let (tokens, folder) = (Receiver::start(), TempDir::new().unwrap());
        let given = json!({"access_token": "a-token", "expires_in": 3_599});
        tokens.replies(Reply::With(200, None, given.to_string()));
        Self {
            file: account_file(folder.path(), &tokens.url("/token")),
            _tokens: tokens,
            _folder: folder,
        }
    }

    fn credentials(&self) -> [(&str, &str); 1] {
        [("GOOGLE_APPLICATION_CREDENTIALS", &self.file)]
    }
}

async fn reserved(client: &Client) -> Value {
    client.get("/v1/usage").await.expecting(200)["bytes"]["reserved"].clone()
}

async fn go_straight_to(backend: Backend) {
    let app = app(backend, EXPIRES).await;
    go_straight(&app).await;
}

async fn go_straight(app: &TestApp) {
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
        let begun = direct::begin(&alice, &wanted).await;
        let upload = begun.expecting(201);
        assert_eq!(begun.header("location"), direct::path(&upload));
        assert_eq!(upload["method"], "PUT");
        assert_eq!(upload["parts"].is_null(), size < LARGE, "{upload}");
        assert_eq!(reserved(&alice).await, size);
        let read = alice.get(&direct::path(&upload)).await.expecting(200);
        assert_eq!(
            (&read["id"], &read["status"]),
            (&upload["id"], &json!("open"))
        );

        let written = direct::send(&upload, &bytes).await;
        let completed = direct::complete(&alice, &upload, &written).await;
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
        direct::complete(&alice, &upload, &json!({}))
            .await
            .expecting(202);
        let part = &upload["parts"][0];
        let url = upload["url"].as_str().or(part["url"].as_str()).unwrap();
        let size = part["size_bytes"]
            .as_u64()
            .map_or(size, |size| usize::try_from(size).unwrap());
        let other = pseudo_random(100 + number, size);
        direct::write(url, &upload["headers"], other).await;
        assert!(alice.downloads(&document).await == bytes, "it was changed");
        let read = alice.get(&direct::path(&upload)).await.expecting(200);
        assert_eq!(read["status"], "complete");
        assert_eq!(read["document_id"], document["id"]);
        assert_eq!(read["url"], Value::Null);
    }
    ends(app).await;
}

#[tokio::test]
async fn documents_go_straight_to_s3() {
    Box::pin(go_straight_to(Backend::S3)).await;
}

#[tokio::test]
async fn documents_go_straight_to_azure() {
    Box::pin(go_straight_to(Backend::Azure)).await;
}

#[tokio::test]
async fn documents_go_straight_to_gcs() {
    let account = Account::new();
    let app = app_with(Backend::Gcs, EXPIRES, &account.credentials()).await;
    Box::pin(go_straight(&app)).await;
}

async fn are_verified_in(backend: Backend) {
    let app = app(backend, EXPIRES).await;
    are_verified(&app).await;
}

async fn are_verified(app: &TestApp) {
    let alice = app.user("alice").await;
    let bytes = pseudo_random(9, 1_000);
    let (other, zeros) = (domain::Sha256::of(b"other bytes"), "0".repeat(64));
    for other in [other.to_string(), zeros] {
        let wanted = json!({"name": "a.bin", "size_bytes": 1_000, "sha256": other});
        let upload = direct::begin(&alice, &wanted).await.expecting(201);
        // Nothing is there yet, and it has no parts.
        let early = direct::complete(&alice, &upload, &json!({})).await;
        early.expect_problem(409, "not_ready");
        let parts = json!({"parts": [{"number": 1, "etag": "x"}]});
        let early = direct::complete(&alice, &upload, &parts).await;
        early.expect_problem(422, "invalid");
        direct::send(&upload, &bytes).await;
        let document = direct::complete(&alice, &upload, &json!({}))
            .await
            .expecting(202);
        let document = alice.settled(&document).await;
        assert_eq!(document["status"], "error", "{document}");
        assert_eq!(document["error"]["code"], "digest_mismatch");
    }

    let wanted = json!({"name": "a.bin", "size_bytes": 999});
    let upload = direct::begin(&alice, &wanted).await.expecting(201);
    let url = upload["url"].as_str().unwrap();
    let sent = direct::write(url, &upload["headers"], bytes.clone()).await;
    if sent.status().is_success() {
        let document = direct::complete(&alice, &upload, &json!({}))
            .await
            .expecting(202);
        let document = alice.settled(&document).await;
        assert_eq!(document["error"]["code"], "digest_mismatch", "{document}");
    } else {
        // The length is signed.
        assert_eq!(sent.status(), StatusCode::FORBIDDEN);
    }
    ends(app).await;
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
async fn what_goes_straight_to_gcs_is_verified() {
    let account = Account::new();
    let app = app_with(Backend::Gcs, EXPIRES, &account.credentials()).await;
    Box::pin(are_verified(&app)).await;
}

#[tokio::test]
async fn direct_uploads_belong_to_their_owner_and_end() {
    let app = app(Backend::S3, "24h").await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let wanted = json!({"name": "a.bin", "size_bytes": LARGE});
    let upload = direct::begin(&alice, &wanted).await.expecting(201);
    let path = direct::path(&upload);
    bob.get(&path).await.expect_problem(404, "not_found");
    bob.delete(&path).await.expect_problem(404, "not_found");
    let stolen = direct::complete(&bob, &upload, &json!({})).await;
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
    let early = direct::complete(&alice, &upload, &one).await;
    early.expect_problem(422, "invalid");

    let too_large = json!({"name": "a.bin", "size_bytes": 6_u64 << 30});
    let refused = direct::begin(&alice, &too_large).await;
    refused.expect_problem(413, "too_large");
    let beyond = json!({"name": "a.bin", "size_bytes": 5_u64 << 30});
    direct::begin(&alice, &beyond).await.expecting(201);
    let refused = direct::begin(&alice, &beyond).await;
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
    let upload = direct::begin(&alice, &wanted).await.expecting(201);
    wait_until(PATIENCE, "it expires", async || {
        app.works_off(JobKind::ExpireUploads).await;
        reserved(&alice).await == 0
    })
    .await;
    let late = direct::complete(&alice, &upload, &json!({})).await;
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
    let refused = direct::begin(&alice, &wanted).await;
    refused.expect_problem(501, "not_supported");
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("local files"), "{detail}");
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
async fn google_signs_one_request_or_parts_that_it_composes() {
    let gcs = FakeGcs::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let file = account_file(folder.path(), "http://127.0.0.1:1/token");
    let variables = [("GOOGLE_APPLICATION_CREDENTIALS", file)];
    let place: StorageUrl = gcs.fresh_storage_url().await.parse().unwrap();
    let environment = Environment::only(variables);
    let storage = place.connect_in(&environment).await.unwrap();
    let direct = storage.direct().unwrap();
    let object = storage.place().join(&tests::objects::old_key()).unwrap();
    let begun = async |size: usize| {
        let size = domain::ByteSize::new(size as u64);
        let upload = storage::DirectUpload {
            url: object.clone(),
            size,
            parts: direct.begin(&object, size).await.unwrap().unwrap(),
        };
        let signed = direct.sign(&upload, PATIENCE).await.unwrap();
        (upload, signed)
    };
    let is_bounded = |url: &url::Url| {
        let mut query = url.query_pairs();
        let signed = query.find(|(name, _)| name == "X-Goog-SignedHeaders");
        assert_eq!(signed.unwrap().1, "host;x-goog-content-length-range");
    };
    let (_, signed) = begun(10).await;
    let Signed::Whole { url, headers } = signed else {
        panic!("{signed:?}");
    };
    is_bounded(&url);
    assert_eq!(headers[0].1, "10,10");

    let (upload, signed) = begun(LARGE).await;
    let Signed::Parts { parts, headers } = signed else {
        panic!("{signed:?}");
    };
    assert_eq!(headers[0].1, format!("0,{}", 64 << 20));
    let headers = json!({ headers[0].0.as_str(): headers[0].1.as_str() });
    let bytes = pseudo_random(9, LARGE);
    let (mut written, mut rest) = (Vec::new(), bytes.clone());
    for part in &parts {
        is_bounded(&part.url);
        let bytes = rest.split_to(usize::try_from(part.size.bytes()).unwrap());
        let sent = direct::write(part.url.as_str(), &headers, bytes).await;
        assert!(sent.status().is_success(), "{sent:?}");
        written.push(storage::WrittenPart {
            number: part.number,
            tag: String::new(),
        });
    }
    // The emulator gives no tokens: what isn't signed is asked for without.
    let environment = Environment::only(Backend::Gcs.environment().await);
    let storage = place.connect_in(&environment).await.unwrap();
    let direct = storage.direct().unwrap();
    let other = direct.join(&upload, &written[1..]).await.unwrap();
    assert_eq!(other, storage::Joined::OtherParts);
    // Also once more, though its parts are gone.
    for _ in 0..2 {
        let joined = direct.join(&upload, &written).await.unwrap();
        assert_eq!(joined, storage::Joined::Done);
    }
    let appending = storage.appending().unwrap();
    let later = domain::Timestamp::from_micros(i64::MAX / 2);
    let left = appending.unfinished(later).await.unwrap();
    assert_eq!(left.try_collect::<Vec<_>>().await.unwrap(), []);
    let found = storage.open(&upload.url, None).await.unwrap();
    let found: Vec<bytes::Bytes> = found.try_collect().await.unwrap();
    assert!(found.concat() == bytes, "other bytes");
}
