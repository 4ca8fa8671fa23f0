//! One large document up and down: MB/s, processor time and memory, beside nginx and the disk alone.

use std::time::Instant;

use clap::builder::PossibleValuesParser;
use tempfile::TempDir;
use tests::content::pseudo_random;

use crate::cost::{peaks, resident, with_parts};
use crate::disk;
use crate::http::Connection;
use crate::subject::Subject;

/// The bytes that are sent at a time.
const PIECE: usize = 1 << 20;

/// What is sent.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// The size of the document in MiB
    #[arg(long, default_value_t = 1 << 10)]
    mebibytes: usize,
    /// Only these
    #[arg(
        default_values = ["nginx-dav", "embedded", "files", "s3"],
        value_parser = PossibleValuesParser::new(Subject::NAMES)
    )]
    names: Vec<String>,
}

/// Sends a document of so many MiB to each subject, and reads it back. Those that sync nothing have
/// their files synced afterwards, which is measured too.
pub async fn run(options: &Options) {
    let mebibytes = options.mebibytes;
    let folder = TempDir::new().expect("a temporary folder can be made");
    let (dd, cat) = disk::rates(folder.path(), mebibytes);
    drop(folder);
    println!(
        "| {mebibytes} MiB | up, MB/s | with sync, MB/s | active after, s | CPU s up | down, MB/s | CPU s down | MiB before / at the peak |"
    );
    println!("| --- | --: | --: | --: | --: | --: | --: | --: |");
    println!("| the disk: `dd conv=fsync`, `cat` | | {dd:.0} | | | {cat:.0} | | |");
    for name in &options.names {
        match Subject::start(name).await {
            Some(mut subject) => {
                subject.prepare(0..2).await;
                measure(&subject, mebibytes).await;
            }
            None => println!("| {name} | not installed: see `benches/install` | | | | | | |"),
        }
    }
}

async fn measure(subject: &Subject, mebibytes: usize) {
    let megabytes = (mebibytes * PIECE) as f64 / 1e6;
    let mut connection = Connection::to(subject.address).await;
    let head = subject.upload(0, 1_000);
    connection.exchange(&head, &pseudo_random(0, 1_000)).await;
    subject.is_settled().await;
    let memory = resident(&subject.groups);

    let (before, begin) = (subject.cost(), Instant::now());
    let head = subject.upload(1, mebibytes * PIECE);
    let piece = pseudo_random(2, PIECE);
    let answer = connection.exchange_large(&head, &piece, mebibytes).await;
    let up = begin.elapsed().as_secs_f64();
    let text = String::from_utf8_lossy(&answer.body);
    assert!(
        (200..300).contains(&answer.status),
        "{} {text}",
        answer.status
    );
    subject.is_settled().await;
    let active = begin.elapsed().as_secs_f64();
    let upload = subject.cost().since(&before, 1e3);
    assert!(!subject.failed().await, "it becomes active");
    let syncing = Instant::now();
    subject.sync();
    let synced = up + syncing.elapsed().as_secs_f64();

    let path = subject.path(1, &answer);
    let head = subject.download(&path);
    let (before, begin) = (subject.cost(), Instant::now());
    let (status, length) = connection.exchange_for_length(&head).await;
    let down = begin.elapsed().as_secs_f64();
    let download = subject.cost().since(&before, 1e3);
    assert_eq!((status, length), (200, mebibytes * PIECE), "{path}");
    println!(
        "| {} | {:.0} | {:.0} | {active:.2} | {} | {:.0} | {} | {} / {} |",
        subject.name,
        megabytes / up,
        megabytes / synced,
        upload.text(&subject.groups, 2),
        megabytes / down,
        download.text(&subject.groups, 2),
        with_parts(&subject.groups, &memory, 0),
        with_parts(&subject.groups, &peaks(&subject.groups), 0),
    );
}
