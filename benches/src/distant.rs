//! Uploads while each request to the storage takes long: the rate beside the number of clients.

use std::time::{Duration, Instant};

use futures::StreamExt;
use tests::app::{Backend, Client, Mode, TestApp};
use tests::content::pseudo_random;

use crate::cost::Cost;

/// Clients at once.
const CLIENTS: [usize; 5] = [1, 4, 16, 64, 128];

/// What is uploaded.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// How long each request to the storage is held back, in milliseconds
    #[arg(long, default_value_t = 50)]
    milliseconds: u64,
    /// Uploads of each client
    #[arg(long, default_value_t = 20)]
    count: usize,
    /// Their size in bytes: larger than what is kept in the database until it is stored
    #[arg(long, default_value_t = 100_000)]
    size: usize,
}

/// Prints a row for each number of clients.
pub async fn run(options: &Options) {
    let app = TestApp::builder(Mode::Distributed)
        .breakable()
        .backend(Backend::S3)
        .settings(&[("DOSSIER_LOG", "warn")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let warm = alice.uploads("warm.bin", pseudo_random(0, options.size));
    alice.settled(&warm.await).await;
    let delay = Duration::from_millis(options.milliseconds);
    app.breakable().storage.delay(delay);
    println!(
        "| clients, {} ms added to each request to the storage | accepted/s | until active/s | of one client's, times | cores busy | CPU ms a document |",
        options.milliseconds
    );
    println!("| --: | --: | --: | --: | --: | --: |");
    // With the clients and the servers, all of which this process started.
    let all = [("all", std::process::id())];
    let mut one = None;
    for clients in CLIENTS {
        let count = clients * options.count;
        let (before, begin) = (Cost::of(&all), Instant::now());
        let documents = uploads(&alice, clients, count, options.size).await;
        let accepted = count as f64 / begin.elapsed().as_secs_f64();
        for document in documents.iter().rev() {
            assert_eq!(alice.settled(document).await["status"], "active");
            if app.pending_documents().await == 0 {
                break;
            }
        }
        let seconds = begin.elapsed().as_secs_f64();
        let spent = Cost::of(&all).since(&before, 1.0).processor[0];
        let active = count as f64 / seconds;
        let times = accepted / *one.get_or_insert(accepted);
        println!(
            "| {clients} | {accepted:.0} | {active:.0} | {times:.1} | {:.2} | {:.1} |",
            spent / seconds / 1000.0,
            spent / count as f64
        );
    }
}

async fn uploads(
    alice: &Client,
    clients: usize,
    count: usize,
    size: usize,
) -> Vec<serde_json::Value> {
    futures::stream::iter(0..count)
        .map(|index| async move {
            let bytes = pseudo_random(1 + (clients * count + index) as u64, size);
            alice.uploads("load.bin", bytes).await
        })
        .buffer_unordered(clients)
        .collect()
        .await
}
