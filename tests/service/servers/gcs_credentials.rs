//! The credentials of Google that aren't a service account's key: an authorized user, and the account of
//! the machine. The token services are Google's alone: a server of the test answers as their
//! documentation says, and keeps what it is asked. The storage server takes requests without tokens as
//! well, so these are looked for on the way to it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::ByteSize;
use futures::TryStreamExt;
use serde_json::json;
use storage::{Environment, Presented, Storage, StorageUrl};
use tempfile::TempDir;
use tests::app::{Mode, TestApp};
use tests::content::pseudo_random;
use tests::direct;
use tests::objects::{goes_round, old_key, puts};
use tests::poll::wait_until;
use tests::servers::{FakeGcs, Passing, Received, Receiver, Recorder, Reply, TlsFront};
use url::form_urlencoded;

fn given(token: &str) -> Reply {
    let answer = json!({"access_token": token, "expires_in": 3_599, "token_type": "Bearer"});
    let json = Some(("content-type", "application/json".to_owned()));
    Reply::With(200, json, answer.to_string())
}

/// Every request has this token.
fn saw_only(recorder: &Recorder, token: &str) {
    let requests = recorder.takes();
    assert!(!requests.is_empty());
    for request in requests {
        let authorization = request.header("authorization");
        assert_eq!(authorization, format!("Bearer {token}"), "{request:?}");
    }
}

/// Writes the file that `gcloud auth application-default login` writes.
fn user_file(folder: &Path, tokens: &str) -> String {
    let user = json!({
        "type": "authorized_user", "account": "", "client_id": "a-client.apps",
        "client_secret": "a+secret", "refresh_token": "1//a-refresh/token",
        "universe_domain": "googleapis.com", "token_uri": tokens,
    });
    let file = folder.join("user.json");
    std::fs::write(&file, user.to_string()).unwrap();
    file.display().to_string()
}

async fn connect(url: &str, file: &str) -> Arc<dyn Storage> {
    let url: StorageUrl = url.parse().unwrap();
    let environment = Environment::only([("GOOGLE_APPLICATION_CREDENTIALS", file)]);
    url.connect_in(&environment).await.unwrap()
}

/// "Refreshing an access token" of Google's documentation of OAuth 2.
fn is_of_a_user(received: &Received) -> bool {
    let form: HashMap<_, _> = form_urlencoded::parse(&received.body)
        .into_owned()
        .collect();
    received.path == "/token"
        && received.header("content-type") == "application/x-www-form-urlencoded"
        && form["grant_type"] == "refresh_token"
        && form["client_id"] == "a-client.apps"
        && form["client_secret"] == "a+secret"
        && form["refresh_token"] == "1//a-refresh/token"
}

#[tokio::test]
async fn an_authorized_user_s_tokens_are_refreshed_and_sent() {
    let (gcs, service) = (FakeGcs::shared().await, Receiver::start());
    let recorder = Recorder::before(gcs.port()).await;
    let folder = TempDir::new().unwrap();
    let file = user_file(folder.path(), &service.url("/token"));
    let url = recorder.in_front(&gcs.fresh_storage_url().await, gcs.port());
    service.replies_once([given("first")]);
    service.replies(given("second"));
    let storage = connect(&url, &file).await;
    storage.check().await.unwrap();
    goes_round(&*storage).await;
    saw_only(&recorder, "first");
    let asked = service.received();
    assert!(asked.len() == 1 && is_of_a_user(&asked[0]), "{asked:?}");

    // Once it is revoked, another one is asked for.
    recorder.passes(|request| {
        if request.header("authorization") == "Bearer first" {
            Passing::Refused(401)
        } else {
            Passing::On
        }
    });
    goes_round(&*storage).await;
    let seen = recorder.takes();
    assert_eq!(seen[0].header("authorization"), "Bearer first");
    let others = &seen[1..];
    assert!(
        others
            .iter()
            .all(|request| request.header("authorization") == "Bearer second"),
        "{others:?}"
    );
    assert_eq!(service.received().len(), 2);

    // Without a key nothing is signed.
    let object = puts(&*storage, &old_key(), "a few words").await;
    let presented = Presented {
        media_type: "text/plain".to_owned(),
        disposition: "attachment".to_owned(),
    };
    let minute = Duration::from_mins(1);
    let signed = storage.presign(&object, &presented, minute).await;
    assert_eq!(signed.unwrap(), None);
    let direct = storage.direct().unwrap();
    let begun = direct.begin(&object, ByteSize::new(10)).await;
    assert_eq!(begun.unwrap(), None);
}

#[tokio::test]
async fn a_user_whose_grant_is_over_is_told_in_the_service_s_words() {
    let (gcs, service) = (FakeGcs::shared().await, Receiver::start());
    let folder = TempDir::new().unwrap();
    let file = user_file(folder.path(), &service.url("/token"));
    let words = json!({
        "error": "invalid_grant", "error_description": "Token has been expired or revoked.",
    });
    service.replies(Reply::With(400, None, words.to_string()));
    let storage = connect(&gcs.fresh_storage_url().await, &file).await;
    let error = storage.check().await.unwrap_err();
    let error = std::error::Error::source(&error).unwrap().to_string();
    let expected = format!(
        "the token service at {} answered 400 Bad Request: invalid_grant: Token has been expired or revoked.",
        service.url("/token")
    );
    assert_eq!(error, expected);
}

/// "About VM metadata" of Google's documentation.
fn is_of_a_machine(received: &Received) -> bool {
    received.path == "/computeMetadata/v1/instance/service-accounts/default/token"
        && received.header("metadata-flavor") == "Google"
}

/// Nothing is told to whoever reads an unencrypted connection, so the storage is within TLS.
#[tokio::test]
async fn the_account_of_the_machine_is_used_within_tls() {
    let (gcs, service) = (FakeGcs::shared().await, Receiver::start());
    let recorder = Recorder::before(gcs.port()).await;
    let folder = TempDir::new().unwrap();
    let front = TlsFront::before(recorder.port(), folder.path()).await;
    let secure = format!("https://127.0.0.1:{}", front.port());
    let url = gcs.fresh_storage_url().await;
    let within = url.replace(&gcs.endpoint(), &secure);
    let host = service.url("").replace("http://", "");
    let ca = folder.path().join("ca.pem").display().to_string();
    service.replies(given("of-the-machine"));
    let app = TestApp::builder(Mode::Embedded)
        .settings(&[
            ("DOSSIER_STORAGE_URL", &within),
            ("GCE_METADATA_HOST", &host),
            ("SSL_CERT_FILE", &ca),
        ])
        .start()
        .await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(3, 20_000_000);
    let document = alice.active("large.bin", bytes.clone()).await;
    assert!(alice.downloads(&document).await == bytes, "other bytes");
    let wanted = json!({"name": "a.bin", "size_bytes": 1});
    let refused = direct::begin(&alice, &wanted).await;
    refused.expect_problem(501, "not_supported");
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    alice.delete(&path).await.expecting(204);
    let is_removed = async || app.number("SELECT count(*) FROM discards").await == 0;
    wait_until(Duration::from_mins(1), "it is removed", is_removed).await;
    saw_only(&recorder, "of-the-machine");
    let asked = service.received();
    assert!(asked.iter().all(is_of_a_machine), "{asked:?}");
    let left = connect_plainly(&url).await.list(None).await.unwrap();
    assert_eq!(left.try_collect::<Vec<_>>().await.unwrap(), []);
}

async fn connect_plainly(url: &str) -> Arc<dyn Storage> {
    let url: StorageUrl = url.parse().unwrap();
    url.connect_in(&Environment::default()).await.unwrap()
}

/// Over HTTP the machine's tokens aren't sent, nor asked for.
#[tokio::test]
async fn the_account_of_the_machine_is_told_to_nobody_without_tls() {
    let (gcs, service) = (FakeGcs::shared().await, Receiver::start());
    let recorder = Recorder::before(gcs.port()).await;
    let url = recorder.in_front(&gcs.fresh_storage_url().await, gcs.port());
    let host = service.url("").replace("http://", "");
    let url: StorageUrl = url.parse().unwrap();
    let environment = Environment::only([("GCE_METADATA_HOST", host)]);
    let storage = url.connect_in(&environment).await.unwrap();
    storage.check().await.unwrap();
    let seen = recorder.takes();
    assert!(
        seen.iter()
            .all(|request| request.header("authorization").is_empty())
    );
    assert_eq!(service.received().len(), 0);
}
