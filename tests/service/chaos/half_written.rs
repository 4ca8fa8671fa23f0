//! What a killed ingress had written by half: it stays while it may be under way, and goes by the
//! cleanup when it is old.

use std::time::Duration;

use bytes::Bytes;
use futures::SinkExt;
use queue::JobKind;
use reqwest::Method;
use tests::app::{Mode, TestApp};
use tests::content::pseudo_random;
use tests::in_both_modes;
use tests::poll::{poll, wait_until};
use tests::servers::S3;

/// More than the first part of a multipart upload.
const HALF: usize = 20 << 20;

/// How long what should be there, or gone, may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many drafts, or multipart uploads, there are.
async fn half_written(app: &TestApp) -> usize {
    if app.mode() == Mode::Embedded {
        let aside = app.folder().join("data/staging/.aside");
        return std::fs::read_dir(aside).map_or(0, Iterator::count);
    }
    let urls = app.variables().iter();
    let mut urls = urls.filter(|(name, _)| name == "DOSSIER_STORAGE_URL");
    let url = &urls.next().unwrap().1;
    S3::shared().await.unfinished_in(url).await
}

async fn comes_to(app: &TestApp, wanted: usize) {
    poll(PATIENCE, async || match half_written(app).await {
        found if found == wanted => Ok(()),
        found => Err(format!("{found} instead of {wanted}")),
    })
    .await;
}

#[in_both_modes]
async fn what_a_killed_ingress_wrote_by_half_goes_when_it_is_old(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let (mut chunks, body) = futures::channel::mpsc::channel::<Result<Bytes, std::io::Error>>(0);
    let request = alice
        .request(Method::POST, "/v1/documents?name=half.bin")
        .body(reqwest::Body::wrap_stream(body));
    let uploading = tokio::spawn({
        let alice = alice.clone();
        async move { alice.try_send(request).await.is_err() }
    });
    for chunk in pseudo_random(1, HALF).chunks(1 << 20) {
        chunks
            .send(Ok(Bytes::copy_from_slice(chunk)))
            .await
            .unwrap();
    }
    comes_to(&app, 1).await;
    app.ingress().kill().await;
    assert!(uploading.await.unwrap(), "nobody answered");
    app.ingress().restart().await;
    app.works_off(JobKind::SweepStaging).await;
    assert_eq!(half_written(&app).await, 1, "it may be under way");

    let workers = app.workers();
    for worker in &workers {
        worker.terminate().await;
        worker.restart_with(&[("DOSSIER_STRAY_AFTER", "10s")]).await;
    }
    wait_until(PATIENCE, "it is old", async || {
        app.works_off(JobKind::SweepStaging).await;
        half_written(&app).await == 0
    })
    .await;
    app.ends_clean().await;
}
