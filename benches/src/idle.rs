//! What an idle service costs, and how long a single client waits for it.

use std::time::{Duration, Instant};

use clap::builder::PossibleValuesParser;
use tests::content::pseudo_random;

use crate::cost::{resident, with_parts};
use crate::http::Connection;
use crate::percentile::percentile;
use crate::subject::Subject;

/// What is measured.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// The number of uploads, one after the other
    #[arg(long, default_value_t = 500)]
    uploads: usize,
    /// Their size in bytes
    #[arg(long, default_value_t = 16 << 10)]
    size: usize,
    /// Seconds without any request
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Only these
    #[arg(default_values = ["embedded", "files"], value_parser = PossibleValuesParser::new(Subject::SERVICES))]
    names: Vec<String>,
}

/// Uploads of the warm-up.
const WARM: usize = 20;

/// How long the last upload may have consequences, such as the removal of staged bytes.
const PAUSE: Duration = Duration::from_secs(5);

/// How long each upload took, one after the other.
#[derive(Default)]
struct Times {
    /// From the request to the 202.
    accepted: Vec<Duration>,
    /// From the 202 until the client knows that it is active.
    activated: Vec<Duration>,
    /// The sum of both.
    whole: Vec<Duration>,
}

/// Measures each subject: the uploads of a single client, which are the warm-up of what follows,
/// then nothing at all.
pub async fn run(options: &Options) {
    println!(
        "| {} uploads of {} bytes, then {} s of nothing | to 202, ms p50 / p99 | 202 to active | to active | CPU ms/s idle | resident, MiB |",
        options.uploads, options.size, options.seconds
    );
    println!("| --- | --: | --: | --: | --: | --: |");
    for name in &options.names {
        let subject = Subject::start(name).await;
        let subject = subject.expect("Dossier is built with this program");
        measure(&subject, options).await;
    }
}

async fn measure(subject: &Subject, options: &Options) {
    let mut connection = Connection::to(subject.address).await;
    let mut times = Times::default();
    for index in 0..WARM + options.uploads {
        if index == WARM {
            times = Times::default();
        }
        times
            .add(subject, &mut connection, (index, options.size))
            .await;
    }
    subject.is_settled().await;
    tokio::time::sleep(PAUSE).await;
    let (before, begin) = (subject.cost(), Instant::now());
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    let seconds = begin.elapsed().as_secs_f64();
    let idle = subject.cost().since(&before, seconds);
    let pair = |times: &mut Vec<Duration>| {
        let [median, slowest] = [50, 99].map(|hundredths| percentile(times, hundredths));
        format!("{median:.1} / {slowest:.1}")
    };
    println!(
        "| {} | {} | {} | {} | {} | {} |",
        subject.name,
        pair(&mut times.accepted),
        pair(&mut times.activated),
        pair(&mut times.whole),
        idle.text(&subject.groups, 2),
        with_parts(&subject.groups, &resident(&subject.groups), 0),
    );
}

impl Times {
    /// Uploads a document and waits until it is active.
    async fn add(
        &mut self,
        subject: &Subject,
        connection: &mut Connection,
        (index, size): (usize, usize),
    ) {
        let bytes = pseudo_random(index as u64, size);
        let head = subject.upload(index, size);
        let begin = Instant::now();
        let answer = connection.exchange(&head, &bytes).await;
        let accepted = begin.elapsed();
        assert_eq!(answer.status, 202);
        let path = subject.path(index, &answer);
        let document = path.trim_end_matches("/content");
        let head = subject.download(&format!("{document}?wait=20"));
        let answer = connection.exchange(&head, &[]).await;
        let whole = begin.elapsed();
        let document: serde_json::Value =
            domain::read_json(&answer.body).expect("a document is JSON");
        assert_eq!(document["status"], "active", "{document}");
        self.accepted.push(accepted);
        self.activated.push(whole.saturating_sub(accepted));
        self.whole.push(whole);
    }
}
