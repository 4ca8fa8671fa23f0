//! Large documents through the ingress and straight to the bucket, in one run: what each costs the ingress
//! and the worker.

use std::time::Instant;

use bytes::Bytes;
use reqwest::{Body, Method};
use serde_json::{Value, json};
use tests::app::{Backend, Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::direct;

use crate::cost::{Cost, Groups};

/// The bytes that are sent at a time through the ingress.
const PIECE: usize = 1 << 20;

/// The ways, as they are told.
const WAYS: [&str; 2] = ["through the ingress", "straight to the bucket"];

/// What is uploaded.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// The size of the document in MiB
    #[arg(long, default_value_t = 1 << 10)]
    mebibytes: usize,
    /// How often each way is measured, in turn
    #[arg(long, default_value_t = 2)]
    rounds: u32,
}

/// Prints a row for each way and round.
pub async fn run(options: &Options) {
    let app = TestApp::builder(Mode::Distributed)
        .backend(Backend::S3)
        .settings(&[
            ("DOSSIER_LOG", "warn"),
            ("DOSSIER_DEFAULT_QUOTA_BYTES", "1TiB"),
        ])
        .start()
        .await;
    let mut groups = vec![("ingress", app.ingress().pid())];
    groups.extend(app.workers().iter().map(|worker| ("worker", worker.pid())));
    let alice = app.user("alice").await;
    let warm = alice.uploads("warm.bin", pseudo_random(0, 1_000)).await;
    alice.settled(&warm).await;
    let bytes = pseudo_random(1, options.mebibytes * PIECE);
    println!(
        "| {} MiB on S3 | until 202, s | active after, s | ingress' processor time for its requests, ms | of all until active |",
        options.mebibytes
    );
    println!("| --- | --: | --: | --: | --: |");
    let mut sums = [0.0; 2];
    for _ in 0..options.rounds {
        for (is_direct, sum) in [false, true].into_iter().zip(&mut sums) {
            let (before, begin) = (Cost::of(&groups), Instant::now());
            let (document, requests) = if is_direct {
                straight(&alice, &bytes, &groups[..1]).await
            } else {
                let document = through(&alice, &bytes).await;
                (document, Cost::of(&groups[..1]).since(&before, 1.0))
            };
            let accepted = begin.elapsed().as_secs_f64();
            let document = alice.settled(&document).await;
            let active = begin.elapsed().as_secs_f64();
            assert_eq!(document["status"], "active", "{document}");
            let cost = Cost::of(&groups).since(&before, 1.0);
            let way = WAYS[usize::from(is_direct)];
            *sum += requests.processor[0];
            println!(
                "| {way} | {accepted:.2} | {active:.2} | {:.1} | {} |",
                requests.processor[0],
                cost.text(&groups, 1)
            );
        }
    }
    for (way, sum) in WAYS.into_iter().zip(sums) {
        let mean = sum / f64::from(options.rounds);
        println!("| {way}, mean | | | {mean:.1} | |");
    }
}

async fn through(alice: &Client, bytes: &Bytes) -> Value {
    let pieces: Vec<_> = (0..bytes.len())
        .step_by(PIECE)
        .map(|at| Ok::<_, std::io::Error>(bytes.slice(at..at + PIECE)))
        .collect();
    let request = alice
        .request(Method::POST, "/v1/documents?name=large.bin")
        .header("content-length", bytes.len())
        .body(Body::wrap_stream(futures::stream::iter(pieces)));
    alice.send(request).await.expecting(202)
}

/// Returns what the ingress' two requests cost, too: meanwhile it does nothing for this document.
async fn straight(alice: &Client, bytes: &Bytes, ingress: &Groups) -> (Value, Cost) {
    let wanted = json!({"name": "large.bin", "size_bytes": bytes.len()});
    let before = Cost::of(ingress);
    let upload = direct::begin(alice, &wanted).await.expecting(201);
    let begun = Cost::of(ingress).since(&before, 1.0);
    let written = direct::send(&upload, bytes).await;
    let before = Cost::of(ingress);
    let completed = direct::complete(alice, &upload, &written).await;
    let mut requests = Cost::of(ingress).since(&before, 1.0);
    requests.processor[0] += begun.processor[0];
    (completed.expecting(202), requests)
}
