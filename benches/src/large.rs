//! One large document: MB/s of upload and download, and the additional memory of the processes.

use std::time::Instant;

use bytes::Bytes;
use futures::StreamExt;
use reqwest::Method;
use tempfile::TempDir;
use tests::app::{Mode, TestApp};
use tests::content::pseudo_random;

/// Uploads and downloads a document of so many MiB, and compares with the disk alone.
pub async fn run(mode: Mode, mebibytes: usize) {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let (dd, cat) = crate::disk::rates(folder.path(), mebibytes);
    drop(folder);
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_LOG", "warn")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let warm = alice.uploads("warm.bin", pseudo_random(0, 1000)).await;
    alice.settled(&warm).await;
    let before = app.ingress().resident_memory().0;

    let chunk = pseudo_random(2, 1 << 20);
    let body = futures::stream::repeat(chunk)
        .take(mebibytes)
        .map(Ok::<Bytes, std::io::Error>);
    let request = alice
        .request(Method::POST, "/v1/documents?name=large.bin")
        .header("content-length", mebibytes << 20)
        .body(reqwest::Body::wrap_stream(body));
    let begin = Instant::now();
    let pending = alice.send(request).await.expecting(202);
    let up = begin.elapsed().as_secs_f64();
    let document = alice.settled(&pending).await;
    let active = begin.elapsed().as_secs_f64();
    assert_eq!(document["status"], "active", "{document}");

    let path = format!(
        "/v1/documents/{}/content",
        document["id"].as_str().unwrap_or_default()
    );
    let begin = Instant::now();
    let response = alice
        .request(Method::GET, &path)
        .send()
        .await
        .expect("the service answers");
    let mut content = response.bytes_stream();
    let mut length = 0;
    while let Some(part) = content.next().await {
        length += part.expect("the download goes to its end").len();
    }
    let down = begin.elapsed().as_secs_f64();
    assert_eq!(length, mebibytes << 20);

    let megabytes = (mebibytes << 20) as f64 / 1e6;
    let (_, peak) = app.ingress().resident_memory();
    println!(
        "{mode:?}: {mebibytes} MiB up {:.0} MB/s ({:.2} of dd's {dd:.0}), active after {active:.2} s; \
         down {:.0} MB/s ({:.2} of cat's {cat:.0}); memory {} MiB before, {} MiB at the peak",
        megabytes / up,
        megabytes / up / dd,
        megabytes / down,
        megabytes / down / cat,
        before >> 20,
        peak >> 20,
    );
}
