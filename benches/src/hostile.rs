//! Normal uploads, first alone, then beside hundreds of clients that send almost nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::join_all;
use tests::app::{Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::slow::{Closed, half_open, trickle};
use tokio::time::sleep;

/// Concurrent normal clients.
const AT_ONCE: usize = 4;
const SIZE: usize = 16 << 10;
/// How long connections may take to disappear after the last one was closed.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is measured.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// The number of connections with half a header
    #[arg(long, default_value_t = 500)]
    half_open: usize,
    /// The number of uploads at ten bytes a second
    #[arg(long, default_value_t = 200)]
    trickling: usize,
    /// The number of normal uploads, with and without the slow ones
    #[arg(long, default_value_t = 400)]
    count: usize,
}

/// Measures uploads with and without the slow clients.
pub async fn run(mode: Mode, options: &Options) {
    let &Options {
        half_open: halves,
        trickling: trickles,
        count,
    } = options;
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_LOG", "warn")])
        .start()
        .await;
    let alice = app.user("alice").await;
    uploads(&alice, count / 4).await;
    let quiet = uploads(&alice, count).await;
    let before = app.ingress().open_files();

    let api = app.ingress().api();
    let half = join_all((0..halves).map(|_| half_open(&api)));
    let slow = join_all((0..trickles).map(|_| trickle(&api, app.admin_key())));
    let honest = async {
        let begin = Instant::now();
        while app.ingress().open_files() < before + halves + trickles
            && begin.elapsed() < PATIENCE / 4
        {
            sleep(Duration::from_millis(10)).await;
        }
        let peak = app.ingress().open_files();
        let loaded = uploads(&alice, count).await;
        (loaded, peak, app.ingress().open_files())
    };
    let (half, slow, (loaded, peak, still)) = tokio::join!(half, slow, honest);
    let begin = Instant::now();
    while app.ingress().open_files() > before && begin.elapsed() < PATIENCE {
        sleep(Duration::from_millis(50)).await;
    }
    println!(
        "{mode:?}: {count} uploads of {SIZE} bytes, {AT_ONCE} at once: p95 {:.1} ms quiet, {:.1} ms beside \
         {halves} half-open connections and {trickles} bodies at 10 bytes/s, ratio {:.2}",
        milliseconds(quiet),
        milliseconds(loaded),
        loaded.as_secs_f64() / quiet.as_secs_f64(),
    );
    println!(
        "{mode:?}: descriptors {before} before, {peak} at the peak, {still} after the last honest upload, \
         {} at the end",
        app.ingress().open_files()
    );
    for (what, closed) in [("half-open", half), ("trickling", slow)] {
        println!("{mode:?}: {what}: {}", tell(closed));
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// The number of connections by answer, and how long they were open.
fn tell(closed: Vec<Closed>) -> String {
    let mut told: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for one in closed {
        let line = one.answer.lines().next().unwrap_or("nothing");
        let times = told.entry(line.to_owned()).or_default();
        times.push(one.after.as_secs_f64());
    }
    let told = told.into_iter().map(|(line, mut times)| {
        times.sort_by(f64::total_cmp);
        let (first, last) = (times[0], times[times.len() - 1]);
        let count = times.len();
        format!("{count} closed after {first:.1} to {last:.1} s, told {line}")
    });
    told.collect::<Vec<_>>().join("; ")
}

/// The 95th percentile of the time to a 202.
async fn uploads(client: &Client, count: usize) -> Duration {
    let upload = |index: usize| async move {
        let bytes = pseudo_random(index as u64, SIZE);
        let begin = Instant::now();
        client.uploads("honest.bin", bytes).await;
        begin.elapsed()
    };
    let mut times: Vec<_> = futures::stream::iter(0..count)
        .map(upload)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    times.sort_unstable();
    times[times.len() * 95 / 100]
}
