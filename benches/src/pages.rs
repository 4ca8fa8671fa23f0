//! Pages of a list over HTTP: pages a second, and processor time for each.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::builder::PossibleValuesParser;

use crate::http::Connection;
use crate::percentile::percentile;
use crate::subject::Subject;

/// What is asked for.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// The number of the user's documents
    #[arg(long, default_value_t = 1_000)]
    documents: u32,
    /// The number of pages
    #[arg(long, default_value_t = 20_000)]
    pages: usize,
    /// The number of connections
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// Only these
    #[arg(default_values = ["embedded", "files"], value_parser = PossibleValuesParser::new(Subject::SERVICES))]
    names: Vec<String>,
}

const PAGE: &str = "/v1/documents?limit=50";

/// Measures each subject, one after the other.
pub async fn run(options: &Options) {
    println!(
        "| {} times `GET {PAGE}` of {} documents, {} connections | pages/s | p50 / p99, ms | CPU ms a page | bytes a page |",
        options.pages, options.documents, options.clients
    );
    println!("| --- | --: | --: | --: | --: |");
    for name in &options.names {
        let subject = Subject::start(name).await;
        let subject = subject.expect("Dossier is built with this program");
        subject.seed(options.documents).await;
        measure(&subject, options).await;
    }
}

async fn measure(subject: &Subject, options: &Options) {
    ask(subject, options.clients * 20, options.clients).await;
    let (before, begin) = (subject.cost(), Instant::now());
    let (mut times, bytes) = ask(subject, options.pages, options.clients).await;
    let seconds = begin.elapsed().as_secs_f64();
    let cost = subject.cost().since(&before, options.pages as f64);
    println!(
        "| {} | {:.0} | {:.1} / {:.1} | {} | {bytes} |",
        subject.name,
        options.pages as f64 / seconds,
        percentile(&mut times, 50),
        percentile(&mut times, 99),
        cost.text(&subject.groups, 3),
    );
}

/// Asks for so many pages; returns how long each took, and the bytes of one.
async fn ask(subject: &Subject, pages: usize, clients: usize) -> (Vec<Duration>, usize) {
    let (next, length) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let head = subject.download(PAGE);
    let client = async || {
        let mut connection = Connection::to(subject.address).await;
        let mut times = Vec::new();
        while next.fetch_add(1, Ordering::Relaxed) < pages {
            let begin = Instant::now();
            let answer = connection.exchange(&head, &[]).await;
            times.push(begin.elapsed());
            assert_eq!(answer.status, 200);
            length.store(answer.body.len(), Ordering::Relaxed);
        }
        times
    };
    let times = futures::future::join_all((0..clients).map(|_| client())).await;
    (times.concat(), length.into_inner())
}
