//! Many small uploads by the client library: the rate of acceptance, and when the last one is active.

use std::time::Instant;

use client::{Document, DocumentStatus, NewDocument, PATIENCE, Source};
use futures::StreamExt;
use tests::app::{Mode, TestApp};
use tests::content::pseudo_random;

/// What is uploaded.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// Their number
    #[arg(long, default_value_t = 2_000)]
    count: usize,
    /// Their size in bytes
    #[arg(long, default_value_t = 16 << 10)]
    size: usize,
    /// The number of concurrent uploads
    #[arg(long, default_value_t = 16)]
    concurrency: usize,
}

/// Uploads so many documents at a time, and waits for each.
pub async fn run(mode: Mode, options: &Options) {
    let &Options {
        count,
        size,
        concurrency,
    } = options;
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_LOG", "warn")])
        .start()
        .await;
    let alice = app.user("alice").await.library();
    let upload = async |name: &str, index: usize| {
        let source = Source::bytes(pseudo_random(index as u64, size));
        let accepted = alice.upload(source, NewDocument::named(name)).await;
        accepted.expect("the upload is accepted")
    };
    let settled = async |document: &Document| {
        let settled = alice.wait_for_document(document.id, PATIENCE).await;
        settled.expect("the document is processed").status
    };
    settled(&upload("warm.bin", 0).await).await;

    let begin = Instant::now();
    let accepted: Vec<_> = futures::stream::iter(1..=count)
        .map(|index| upload("load.bin", index))
        .buffer_unordered(concurrency)
        .collect()
        .await;
    let accepting = begin.elapsed().as_secs_f64();
    // The last accepted upload is among the last to become active.
    for document in accepted.iter().rev() {
        assert_eq!(settled(document).await, DocumentStatus::Active);
        if app.pending_documents().await == 0 {
            break;
        }
    }
    let settling = begin.elapsed().as_secs_f64();
    let rate = |seconds: f64| count as f64 / seconds;
    println!(
        "{mode:?}: {count} uploads of {size} bytes, {concurrency} at once: {:.0}/s accepted, {:.0}/s until the last is active",
        rate(accepting),
        rate(settling),
    );
    app.ends_clean().await;
}
