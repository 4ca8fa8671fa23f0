//! Places in S3 with credentials of their own, which are those of a profile.

use futures::TryStreamExt;
use storage::{Environment, StorageUrl};
use tempfile::TempDir;
use tests::app::{Mode, TestApp};
use tests::content::pseudo_random;
use tests::servers::S3;

use super::s3s;

const OWN: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "of-the-profile"),
    ("AWS_SECRET_ACCESS_KEY", "another-secret"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_has_the_credentials_of_its_profile_and_the_others_those_of_the_environment() {
    let (s3, other) = (S3::shared().await, s3s::Server::of(OWN).await);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("credentials");
    let [(_, key), (_, secret)] = OWN;
    let text = format!("[second]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n");
    std::fs::write(&file, text).unwrap();
    let plain = other.storage_url("one");
    let [(_, key), (_, secret)] = s3.environment();
    let app = TestApp::builder(Mode::Embedded)
        .settings(&[
            ("DOSSIER_STORAGE_URL", &format!("{plain}&profile=second")),
            ("DOSSIER_MORE_STORAGE_URLS", &s3.fresh_storage_url().await),
            ("AWS_ACCESS_KEY_ID", &key),
            ("AWS_SECRET_ACCESS_KEY", &secret),
            ("AWS_SHARED_CREDENTIALS_FILE", &file.display().to_string()),
        ])
        .start()
        .await;
    let ready = app.nobody().get("/health/ready").await.expecting(200);
    let down = ready["places_down"].as_array();
    assert!(down.is_none_or(Vec::is_empty), "{ready}");
    let alice = app.user("alice").await;
    let bytes = pseudo_random(1, 100_000);
    let document = alice.active("a.bin", bytes.clone()).await;
    assert!(alice.downloads(&document).await == bytes, "other bytes");
    let url: StorageUrl = plain.parse().unwrap();
    let storage = url.connect_in(&Environment::only(OWN)).await.unwrap();
    let stored: Vec<_> = storage
        .list(None)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(stored.len(), 1, "{stored:?}");
}
