//! Many small uploads: the rate of acceptance, and when the last one is active.

use std::time::Instant;

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
    let alice = app.user("alice").await;
    let warm = alice.uploads("warm.bin", pseudo_random(0, size)).await;
    alice.settled(&warm).await;

    let begin = Instant::now();
    let accepted: Vec<_> = futures::stream::iter(1..=count)
        .map(|index| {
            let alice = &alice;
            async move {
                alice
                    .uploads("load.bin", pseudo_random(index as u64, size))
                    .await
            }
        })
        .buffer_unordered(concurrency)
        .collect()
        .await;
    let accepting = begin.elapsed().as_secs_f64();
    // The last accepted upload is among the last to become active.
    for document in accepted.iter().rev() {
        assert_eq!(alice.settled(document).await["status"], "active");
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
