//! A disk that fills while an upload streams onto it: the upload ends, nothing of it is kept, and
//! the next one passes when there is room again.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use reqwest::{Body, Method};
use tests::app::{Answer, Mode, TestApp};
use tests::content::{PDF, pseudo_random};
use tests::poll::wait_until;

/// What is sent at once, and how often.
const CHUNK: usize = 256 << 10;
const PAUSE: Duration = Duration::from_millis(50);

/// For how long there is no room.
const FULL: Duration = Duration::from_secs(4);

/// How long something may take that has to happen.
const PATIENCE: Duration = Duration::from_secs(30);

fn files_below(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let ours = entries
        .flatten()
        .filter(|entry| entry.file_name() != ".dossier");
    let counts = ours.map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => files_below(&entry.path()),
        _ => 1,
    });
    counts.sum()
}

/// Chunks for as long as anybody takes them.
fn trickle() -> Body {
    let chunks = futures::stream::iter(0_u64..).then(|number| async move {
        // The disk fills while the upload is under way.
        tokio::time::sleep(PAUSE).await;
        Ok::<Bytes, std::io::Error>(pseudo_random(number, CHUNK))
    });
    Body::wrap_stream(chunks)
}

async fn meets_a_full_disk(app: &TestApp) -> Answer {
    let alice = app.user("alice").await;
    let staging = app.folder().join("data/staging");
    let sender = alice.clone();
    let upload = tokio::spawn(async move {
        let request = sender.request(Method::POST, "/v1/documents?name=large.bin");
        sender.try_send(request.body(trickle())).await
    });
    let has_begun = async || files_below(&staging) > 0;
    wait_until(PATIENCE, "the upload begins", has_begun).await;
    app.disk().is_full_for(FULL).await;
    let answer = upload.await.unwrap();
    let is_gone = async || files_below(&staging) == 0;
    wait_until(PATIENCE, "nothing of it is kept", is_gone).await;
    // There is room again, which is looked at once a second.
    wait_until(PATIENCE, "there is room", async || {
        let request = alice.request(Method::POST, "/v1/documents?name=again.pdf");
        let answer = alice.send(request.body(PDF)).await;
        if answer.status != 202 {
            answer.expect_problem(503, "storage_full");
        }
        answer.status == 202
    })
    .await;
    assert_eq!(
        alice.get("/v1/usage").await.expecting(200)["documents"]["total"],
        1
    );
    alice.active("another.pdf", PDF).await;
    answer.expect("the client reads why")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_ends_where_the_floor_of_free_space_is_met_on_its_way() {
    let floor = [("DOSSIER_MIN_FREE_BYTES", "64MiB")];
    let app = TestApp::builder(Mode::Embedded)
        .small_disks(&["staging"])
        .settings(&floor)
        .start()
        .await;
    assert_eq!(app.mode(), Mode::Embedded);
    let answer = meets_a_full_disk(&app).await;
    answer.expect_problem(503, "storage_full");
    assert!(answer.header("retry-after").parse::<u32>().is_ok());
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_ends_where_the_disk_itself_says_that_it_is_full() {
    let no_floor = [("DOSSIER_MIN_FREE_BYTES", "0")];
    let app = TestApp::builder(Mode::Embedded)
        .small_disks(&["staging"])
        .settings(&no_floor)
        .start()
        .await;
    let answer = meets_a_full_disk(&app).await;
    answer.expect_problem(503, "storage_full");
    app.ends_clean().await;
}
