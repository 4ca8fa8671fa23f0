//! Dossier beside other programs that take files over HTTP: one load, one machine, one run.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::builder::PossibleValuesParser;
use tests::content::pseudo_random;

use crate::cost::Cost;
use crate::http::Connection;
use crate::percentile::percentile;
use crate::subject::Subject;

/// What is sent and asked for.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// How many documents are uploaded, all different
    #[arg(long, default_value_t = 4_000)]
    uploads: usize,
    /// How many downloads of them follow
    #[arg(long, default_value_t = 10_000)]
    downloads: usize,
    /// Their size in bytes
    #[arg(long, default_value_t = 16 << 10)]
    size: usize,
    /// Clients at once, each with its own connection
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// Shows what each statement cost PostgreSQL
    #[arg(long)]
    statements: bool,
    /// Only these; files2 and postgres2 have two workers, postgres has no Redis, s3-alone is the
    /// server that s3 uses
    #[arg(default_values = Subject::NAMES, value_parser = PossibleValuesParser::new(Subject::NAMES))]
    names: Vec<String>,
}

/// What came of a load.
struct Figures {
    /// For each second: accepted, active, downloaded.
    rates: [f64; 3],
    /// Milliseconds until an upload was answered: median and 99th percentile.
    answered: [f64; 2],
    upload: Cost,
    download: Cost,
}

/// Measures the subjects of these names, one after the other.
pub async fn run(options: &Options) {
    println!(
        "| {} uploads of {} bytes, {} clients | accepted/s | active/s | p50 / p99 to the answer, ms | CPU ms an upload | flushes | down/s | CPU ms a download |",
        options.uploads, options.size, options.clients
    );
    println!("| --- | --: | --: | --: | --: | --: | --: | --: |");
    for name in &options.names {
        match Subject::start(name).await {
            Some(mut subject) => {
                let figures = measure(&mut subject, options).await;
                tell(&subject, &figures);
            }
            None => println!("| {name} | not installed: see `benches/install` | | | | | | |"),
        }
    }
}

async fn measure(subject: &mut Subject, options: &Options) -> Figures {
    let first = options.clients * 8;
    subject.prepare(0..first + options.uploads).await;
    // Connections, prepared statements and first folders are not what is measured.
    uploads(subject, options, 0..first).await;
    subject.is_settled().await;
    subject.statements(1).await;

    let before = subject.cost();
    let begin = Instant::now();
    let (paths, mut times) = uploads(subject, options, first..first + options.uploads).await;
    let accepting = begin.elapsed().as_secs_f64();
    subject.is_settled().await;
    let settling = begin.elapsed().as_secs_f64();
    let upload = subject.cost().since(&before, options.uploads as f64);
    assert!(!subject.failed().await, "all become active");
    if options.statements {
        for line in subject.statements(options.uploads).await {
            println!("    {line}");
        }
    }

    let before = subject.cost();
    let begin = Instant::now();
    downloads(subject, options, paths).await;
    let reading = begin.elapsed().as_secs_f64();
    let download = subject.cost().since(&before, options.downloads as f64);
    if options.statements {
        for line in subject.statements(options.downloads).await {
            println!("    {line}");
        }
    }
    let count = options.uploads as f64;
    Figures {
        rates: [
            count / accepting,
            count / settling,
            options.downloads as f64 / reading,
        ],
        answered: [50, 99].map(|hundredths| percentile(&mut times, hundredths)),
        upload,
        download,
    }
}

/// Uploads by all clients; gives where the documents are, and how long each took to be answered.
async fn uploads(
    subject: &Subject,
    options: &Options,
    indices: std::ops::Range<usize>,
) -> (Vec<String>, Vec<Duration>) {
    let next = AtomicUsize::new(indices.start);
    let client = async || {
        let mut connection = Connection::to(subject.address).await;
        let (mut paths, mut times) = (Vec::new(), Vec::new());
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= indices.end {
                return (paths, times);
            }
            let bytes = pseudo_random(index as u64, options.size);
            let head = subject.upload(index, options.size);
            let begin = Instant::now();
            let answer = connection.exchange(&head, &bytes).await;
            times.push(begin.elapsed());
            let text = String::from_utf8_lossy(&answer.body);
            assert!(
                (200..300).contains(&answer.status),
                "{} {text}",
                answer.status
            );
            paths.push(subject.path(index, &answer));
        }
    };
    let clients = (0..options.clients).map(|_| client());
    let answers = futures::future::join_all(clients).await;
    let mut all = (Vec::new(), Vec::new());
    for (paths, times) in answers {
        all.0.extend(paths);
        all.1.extend(times);
    }
    all
}

async fn downloads(subject: &Subject, options: &Options, paths: Vec<String>) {
    let next = AtomicUsize::new(0);
    let client = async || {
        let mut connection = Connection::to(subject.address).await;
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= options.downloads {
                return;
            }
            // A stride that meets all of them, in no order of their own.
            let path = &paths[(index * 7_919) % paths.len()];
            let answer = connection.exchange(&subject.download(path), &[]).await;
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(answer.body.len(), options.size, "{path}");
        }
    };
    futures::future::join_all((0..options.clients).map(|_| client())).await;
}

fn tell(subject: &Subject, figures: &Figures) {
    let cost = |cost: &Cost| cost.text(&subject.groups, 3);
    let [accepted, active, down] = figures.rates;
    let [median, slowest] = figures.answered;
    println!(
        "| {} | {accepted:.0} | {active:.0} | {median:.1} / {slowest:.1} | {} | {:.2} | {down:.0} | {} |",
        subject.name,
        cost(&figures.upload),
        figures.upload.flushes,
        cost(&figures.download),
    );
}
