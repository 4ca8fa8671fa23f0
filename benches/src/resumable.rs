//! Resumable uploads by tus: a large one in pieces beside the same in one request, the memory of many
//! that are open, and what it takes to go on after a cut.

use std::time::Instant;

use bytes::Bytes;
use futures::{StreamExt, stream};
use reqwest::{Body, Method};
use tests::app::{Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::tus::{self, append};

use crate::cost::{peaks, resident};

/// What is uploaded.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// The size of the large upload in MiB
    #[arg(long, default_value_t = 1 << 10)]
    mebibytes: usize,
    /// The size of a piece in MiB
    #[arg(long, default_value_t = 8)]
    piece: usize,
    /// How often each way is measured, in turn
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// The number of uploads that are open at once
    #[arg(long, default_value_t = 1_000)]
    open: usize,
}

/// Prints the figures of each part.
pub async fn run(mode: Mode, options: &Options) {
    let most = (options.open + 10).to_string();
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_LOG", "warn"), ("DOSSIER_MAX_OPEN_UPLOADS", &most)])
        .start()
        .await;
    let alice = app.user("alice").await;
    let warm = alice.uploads("warm.bin", pseudo_random(0, 1_000)).await;
    alice.settled(&warm).await;
    many(&app, &alice, options.open).await;
    large(&app, &alice, options).await;
    app.ends_clean().await;
}

/// Opens so many uploads with a few bytes each, one of which is then cut and goes on.
async fn many(app: &TestApp, alice: &Client, open: usize) {
    let groups = [("ingress", app.ingress().pid())];
    let before = resident(&groups)[0];
    let bytes = pseudo_random(1, 64 << 10);
    let begin = Instant::now();
    let paths: Vec<String> = stream::iter(0..open)
        .map(|index| {
            let bytes = bytes.slice(..32 << 10);
            async move {
                let path = tus::create(alice, &format!("{index}.bin"), 64 << 10).await;
                tus::patch(alice, &path, 0, bytes).await.expecting(204);
                path
            }
        })
        .buffer_unordered(16)
        .collect()
        .await;
    println!(
        "{:?}: {open} uploads opened in {:.1} s; resident memory {before:.0} MiB before, {:.0} MiB with them, {:.0} MiB at the peak",
        app.mode(),
        begin.elapsed().as_secs_f64(),
        resident(&groups)[0],
        peaks(&groups)[0],
    );
    let path = &paths[0];
    let half = stream::iter([
        Ok(bytes.slice(32 << 10..48 << 10)),
        Err(std::io::Error::other("cut")),
    ]);
    let cut = append(alice, path, 32 << 10, Body::wrap_stream(half));
    assert!(alice.try_send(cut).await.is_err(), "the connection is cut");
    let begin = Instant::now();
    let offset = tus::offset(alice, path).await;
    let told = begin.elapsed();
    let last = tus::patch(alice, path, offset, bytes.slice(offset..)).await;
    last.expecting(204);
    println!(
        "{:?}: after a cut 1 request tells where to go on, in {:.1} ms, and the next one goes on at {offset}",
        app.mode(),
        told.as_secs_f64() * 1e3,
    );
    tus::document(alice, &last).await;
    for path in &paths[1..] {
        let end = tus::request(alice, Method::DELETE, path);
        alice.send(end).await.expecting(204);
    }
}

/// Uploads a large document in pieces and in one request, in turn.
async fn large(app: &TestApp, alice: &Client, options: &Options) {
    let piece = pseudo_random(2, options.piece << 20);
    let count = options.mebibytes / options.piece;
    let megabytes = (count * piece.len()) as f64 / 1e6;
    let (mut whole, mut parted) = (0_f64, 0_f64);
    for _ in 0..options.rounds {
        let begin = Instant::now();
        one_request(alice, &piece, count).await;
        whole = whole.max(megabytes / begin.elapsed().as_secs_f64());
        app.ends_clean().await;
        let begin = Instant::now();
        pieces(alice, &piece, count).await;
        parted = parted.max(megabytes / begin.elapsed().as_secs_f64());
        app.ends_clean().await;
    }
    println!(
        "{:?}: {} MiB: {whole:.0} MB/s in one request, {parted:.0} MB/s by tus in pieces of {} MiB, ratio {:.2}",
        app.mode(),
        options.mebibytes,
        options.piece,
        parted / whole,
    );
}

async fn one_request(alice: &Client, piece: &Bytes, count: usize) {
    let pieces: Vec<_> = (0..count)
        .map(|_| Ok::<_, std::io::Error>(piece.clone()))
        .collect();
    let request = alice
        .request(Method::POST, "/v1/documents?name=large.bin")
        .header("content-length", piece.len() * count)
        .body(Body::wrap_stream(stream::iter(pieces)));
    alice.send(request).await.expecting(202);
}

async fn pieces(alice: &Client, piece: &Bytes, count: usize) {
    let path = tus::create(alice, "large.bin", piece.len() * count).await;
    for index in 0..count {
        let sent = tus::patch(alice, &path, index * piece.len(), piece.clone()).await;
        sent.expecting(204);
    }
}
