//! The load, and the table of what came of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tests::content::pseudo_random;

use super::cost::Cost;
use super::http::Connection;
use super::peers;
use super::subject::{Keeps, Subject};

/// How much is sent and asked for.
#[derive(Clone, Copy, Debug)]
pub struct Amounts {
    /// Documents, all different.
    pub uploads: usize,
    /// Downloads of them.
    pub downloads: usize,
    /// Bytes of each.
    pub size: usize,
    /// Clients, each with a connection of its own.
    pub clients: usize,
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

/// Measures the subjects whose names contain one of `names`, or all, one after the other.
pub async fn run(amounts: Amounts, names: &[String], tell_statements: bool) {
    let wanted = |name: &str| names.is_empty() || names.iter().any(|part| name.contains(&**part));
    println!(
        "| {} uploads of {} bytes, {} clients | accepted/s | active/s | p50 / p99 to the answer, ms | CPU ms an upload | flushes | down/s | CPU ms a download |",
        amounts.uploads, amounts.size, amounts.clients
    );
    println!("| --- | --: | --: | --: | --: | --: | --: | --: |");
    for name in ["nginx-dav", "s3s-fs", "embedded", "files", "files2", "s3"] {
        if !wanted(name) {
            continue;
        }
        let subject = match name {
            "nginx-dav" => peers::nginx().await.map(Subject::of),
            "s3s-fs" => peers::s3s_fs().await.map(Subject::of),
            "embedded" => Some(Subject::embedded().await),
            "files" => Some(Subject::distributed(Keeps::Files, 1).await),
            "files2" => Some(Subject::distributed(Keeps::Files, 2).await),
            _ => Some(Subject::distributed(Keeps::S3, 1).await),
        };
        match subject {
            Some(subject) => tell(&subject, &measure(&subject, amounts, tell_statements).await),
            None => println!("| {name} | not installed: see `benches/install` | | | | | | |"),
        }
    }
}

async fn measure(subject: &Subject, amounts: Amounts, tell_statements: bool) -> Figures {
    let roots = subject.roots();
    // Connections, prepared statements and first folders are not what is measured.
    uploads(subject, amounts, 0..amounts.clients * 8).await;
    subject.is_settled().await;
    subject.statements(1).await;

    let before = Cost::of(&roots);
    let begin = Instant::now();
    let first = amounts.clients * 8;
    let (paths, mut times) = uploads(subject, amounts, first..first + amounts.uploads).await;
    let accepting = begin.elapsed().as_secs_f64();
    subject.is_settled().await;
    let settling = begin.elapsed().as_secs_f64();
    let upload = Cost::of(&roots).since(&before, amounts.uploads);
    assert!(!subject.failed().await, "all become active");
    if tell_statements {
        for line in subject.statements(amounts.uploads).await {
            println!("    {line}");
        }
    }

    let before = Cost::of(&roots);
    let begin = Instant::now();
    downloads(subject, amounts, paths).await;
    let reading = begin.elapsed().as_secs_f64();
    let download = Cost::of(&roots).since(&before, amounts.downloads);
    if tell_statements {
        for line in subject.statements(amounts.downloads).await {
            println!("    {line}");
        }
    }
    times.sort_unstable();
    let part = |hundredths: usize| {
        let time = times[(times.len() - 1) * hundredths / 100];
        time.as_secs_f64() * 1e3
    };
    let count = amounts.uploads as f64;
    Figures {
        rates: [
            count / accepting,
            count / settling,
            amounts.downloads as f64 / reading,
        ],
        answered: [part(50), part(99)],
        upload,
        download,
    }
}

/// Uploads by all clients; gives where the documents are, and how long each took to be answered.
async fn uploads(
    subject: &Subject,
    amounts: Amounts,
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
            let bytes = pseudo_random(index as u64, amounts.size);
            let begin = Instant::now();
            let answer = connection.exchange(&subject.upload(index), &bytes).await;
            times.push(begin.elapsed());
            let text = String::from_utf8_lossy(&answer.body);
            assert!(
                (200..300).contains(&answer.status),
                "{} {text}",
                answer.status
            );
            paths.push(subject.path(index, &answer.body));
        }
    };
    let clients = (0..amounts.clients).map(|_| client());
    let answers = futures::future::join_all(clients).await;
    let mut all = (Vec::new(), Vec::new());
    for (paths, times) in answers {
        all.0.extend(paths);
        all.1.extend(times);
    }
    all
}

async fn downloads(subject: &Subject, amounts: Amounts, paths: Vec<String>) {
    let next = AtomicUsize::new(0);
    let client = async || {
        let mut connection = Connection::to(subject.address).await;
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= amounts.downloads {
                return;
            }
            // A stride that meets all of them, in no order of their own.
            let path = &paths[(index * 7_919) % paths.len()];
            let answer = connection.exchange(&subject.download(path), &[]).await;
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(answer.body.len(), amounts.size, "{path}");
        }
    };
    futures::future::join_all((0..amounts.clients).map(|_| client())).await;
}

fn tell(subject: &Subject, figures: &Figures) {
    let cost = |cost: &Cost| {
        let groups = subject.processes.iter().map(|(name, _)| *name);
        let parts: Vec<_> = std::iter::zip(groups, &cost.processor)
            .map(|(name, milliseconds)| format!("{name} {milliseconds:.2}"))
            .collect();
        let sum: f64 = cost.processor.iter().sum();
        if parts.len() == 1 {
            format!("{sum:.3}")
        } else {
            format!("{sum:.2} ({})", parts.join(", "))
        }
    };
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
