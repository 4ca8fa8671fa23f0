//! Object stores within TLS, with a certificate of a private authority: used if that is trusted, and
//! never without.

use std::process::Stdio;

use tempfile::TempDir;
use tests::app::{Backend, Mode, TestApp};
use tests::servers::{TlsFront, program};
use tokio::process::Command;

async fn is_used_within_tls(backend: Backend) {
    let folder = TempDir::new().unwrap();
    let front = TlsFront::before(backend.port().await, folder.path()).await;
    let plain = format!("http://127.0.0.1:{}", backend.port().await);
    let secure = format!("https://127.0.0.1:{}", front.port());
    let url = backend.fresh_storage_url().await.replace(&plain, &secure);
    assert!(url.contains("https://"), "{url}");
    let ca = folder.path().join("ca.pem").display().to_string();
    let mut settings = backend.environment().await;
    settings.push(("DOSSIER_STORAGE_URL".to_owned(), url));
    if backend == Backend::Gcs {
        // Without credentials.
        settings.push(("STORAGE_EMULATOR_HOST".to_owned(), secure));
    }
    let trusting = ("SSL_CERT_FILE".to_owned(), ca);
    let trusting: Vec<_> = settings.iter().chain([&trusting]).collect();
    let trusting: Vec<_> = trusting
        .into_iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let app = TestApp::builder(Mode::Embedded)
        .settings(&trusting)
        .start()
        .await;
    let alice = app.user("alice").await;
    let document = alice.active("secret.txt", "a few words").await;
    assert_eq!(alice.downloads(&document).await, "a few words");

    let mut adopt = Command::new(program());
    adopt.args(["storage", "adopt"]).env_remove("SSL_CERT_FILE");
    adopt
        .env("DOSSIER_DATA_DIR", app.folder().join("data"))
        .envs(settings);
    let refused = adopt.stdin(Stdio::null()).output().await.unwrap();
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && told.contains("certificate"),
        "{told}"
    );
}

#[tokio::test]
async fn s3_is_used_within_tls() {
    Box::pin(is_used_within_tls(Backend::S3)).await;
}

#[tokio::test]
async fn azure_is_used_within_tls() {
    Box::pin(is_used_within_tls(Backend::Azure)).await;
}

#[tokio::test]
async fn gcs_is_used_within_tls() {
    Box::pin(is_used_within_tls(Backend::Gcs)).await;
}
