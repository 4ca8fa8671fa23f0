//! Memory does not grow with the size of a document.

use bytes::Bytes;
use domain::Hasher;
use futures::StreamExt;
use reqwest::Method;
use tests::app::{Mode, TestApp};
use tests::content::pseudo_random;
use tests::in_both_modes;

const CHUNK: usize = 1 << 20;
const CHUNKS: usize = 1 << 10;

/// What a document of 1 GiB may add to the resident memory of a process, at its
/// peak: buffers of a few parts, far from the document.
const ALLOWED_RISE: u64 = 160 << 20;

#[in_both_modes]
async fn a_gibibyte_passes_through_a_few_buffers(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    // The first upload warms everything up.
    let pending = alice.uploads("small.bin", pseudo_random(1, 1000)).await;
    alice.settled(&pending).await;
    let before: Vec<_> = processes(&app)
        .iter()
        .map(|process| process.resident_memory().0)
        .collect();

    let chunk = pseudo_random(2, CHUNK);
    let mut hasher = Hasher::default();
    (0..CHUNKS).for_each(|_| hasher.update(&chunk));
    let body = futures::stream::repeat(chunk)
        .take(CHUNKS)
        .map(Ok::<Bytes, std::io::Error>);
    let request = alice
        .request(Method::POST, "/v1/documents?name=large.bin")
        .header("content-length", CHUNK * CHUNKS)
        .body(reqwest::Body::wrap_stream(body));
    let pending = alice.send(request).await.expecting(202);
    assert_eq!(pending["sha256"], hasher.finish().to_string());
    let document = alice.settled(&pending).await;
    assert_eq!(document["status"], "active", "{document}");

    let path = format!("/v1/documents/{}/content", document["id"].as_str().unwrap());
    let mut content = alice
        .request(Method::GET, &path)
        .send()
        .await
        .unwrap()
        .bytes_stream();
    let mut hasher = Hasher::default();
    while let Some(part) = content.next().await {
        hasher.update(&part.unwrap());
    }
    assert_eq!(document["sha256"], hasher.finish().to_string());

    for (process, before) in processes(&app).iter().zip(before) {
        let (_, peak) = process.resident_memory();
        let rise = peak.saturating_sub(before);
        println!(
            "{mode:?}: {} MiB before, {} MiB more at the peak",
            before >> 20,
            rise >> 20
        );
        assert!(
            rise < ALLOWED_RISE,
            "resident memory rose by {} MiB",
            rise >> 20
        );
    }
    app.ends_clean().await;
}

fn processes(app: &TestApp) -> Vec<&tests::servers::Dossier> {
    match app.mode() {
        Mode::Embedded => vec![app.ingress()],
        Mode::Distributed => std::iter::once(app.ingress())
            .chain(app.workers())
            .collect(),
    }
}
