//! Idle readers of feeds, as streams: the memory and the processor time of the process that they read
//! from.

use std::future::ready;
use std::time::Duration;

use futures::{StreamExt, stream};
use serde_json::json;
use tests::app::{Client, Mode, TestApp};
use tests::feed::{Connection, Stream};
use tokio::time::{Instant, sleep};

use crate::bare_writes::microseconds_of_a_write;
use crate::cost::{Cost, Groups, resident};

/// What is measured.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// The number of readers; fewer if the limit of open files doesn't allow as many
    #[arg(long, default_value_t = 10_000)]
    readers: usize,
    /// The number of users that they belong to: one has a bounded share of the streams
    #[arg(long, default_value_t = 300)]
    users: usize,
    /// The number of keys that they are authenticated by; each user has one at least
    #[arg(long, default_value_t = 0)]
    keys: usize,
    /// The protocols, one after the other
    #[arg(long, value_delimiter = ',', default_value = "HTTP/1.1,HTTP/2")]
    protocols: Vec<String>,
    /// Seconds without any event; a stream sends a comment every 15 seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

/// Streams that are opened at once.
const AT_ONCE: usize = 32;

/// Streams of one HTTP/2 connection.
const OF_CONNECTION: usize = 100;

/// How often a stream is sent a comment.
const COMMENT_EVERY: f64 = 15.0;

/// How long what the opening of streams left behind may take to end.
const PAUSE: Duration = Duration::from_secs(5);

/// Measures streams over each protocol, and what is left of each reader after an event for it.
pub async fn run(mode: Mode, options: &Options) {
    if mode == Mode::Embedded {
        println!(
            "| {} s of nothing | readers | keys | resident before, MiB | with them | KiB a reader | CPU ms/s before | with them | resident after an event for each |",
            options.seconds
        );
        println!("| --- | --: | --: | --: | --: | --: | --: | --: | --: |");
    }
    let mut readers = options.readers;
    // Both ends of a connection are files of this process.
    let least = microseconds_of_a_write(readers / 2, options.seconds).await;
    for protocol in &options.protocols {
        // Half of the requests in flight may be readers.
        let most = (2 * options.readers + 1_000).to_string();
        let settings = [("DOSSIER_LOG", "warn"), ("DOSSIER_MAX_CONNECTIONS", &most)];
        let app = TestApp::builder(mode).settings(&settings).start().await;
        let mut users = Vec::new();
        for number in 0..options.users {
            users.push(app.user(&format!("user{number}")).await);
        }
        let keys = keys(&app, &users, options.keys).await;
        let clients = (users.as_slice(), keys.as_slice());
        let (opened, cost) = measure(&app, clients, (protocol, readers), options.seconds).await;
        println!("| a comment costs {cost:.1} µs, a bare write {least:.1} µs | | | | | | | | |");
        readers = readers.min(opened);
        app.ends_clean().await;
    }
}

/// Clients of the users with keys of their own, so many in all.
async fn keys(app: &TestApp, users: &[Client], count: usize) -> Vec<Client> {
    let further = users.iter().cycle().take(count.saturating_sub(users.len()));
    let further = stream::iter(further).map(|user| async {
        let asked = json!({"scopes": ["events"]});
        let issued = user.post_json("/v1/keys", &asked).await;
        let issued = issued.expect_status(201).await;
        app.bearer(issued["key"].as_str().expect("a key is text"))
    });
    let mut keys = users.to_vec();
    keys.extend(further.buffered(AT_ONCE).collect::<Vec<_>>().await);
    keys
}

/// Returns how many readers there were, and the microseconds of processor time for each of their comments.
async fn measure(
    app: &TestApp,
    (users, keys): (&[Client], &[Client]),
    (protocol, readers): (&str, usize),
    seconds: u64,
) -> (usize, f64) {
    let groups = [("ingress", app.ingress().pid())];
    let groups: &Groups = &groups;
    // What the first streams and events begin is no reader's.
    drop(over_http_1(keys, 100).await);
    every_user_uploads(users, "warm").await;
    sleep(PAUSE).await;
    let idle_before = idles(groups, seconds).await;
    let before = resident(groups)[0];
    let streams = match protocol {
        "HTTP/1.1" => over_http_1(keys, readers).await,
        _ => over_http_2(&app.ingress().api(), keys, readers).await,
    };
    sleep(PAUSE).await;
    let idle = idles(groups, seconds).await;
    let with = resident(groups)[0];
    every_user_uploads(users, "told").await;
    sleep(PAUSE).await;
    let count = streams.len();
    println!(
        "| {:?}, {protocol} | {count} | {} | {before:.0} | {with:.0} | {:.1} | {} | {} | {:.0} |",
        app.mode(),
        keys.len(),
        (with - before) * 1024.0 / count as f64,
        idle_before.text(groups, 2),
        idle.text(groups, 2),
        resident(groups)[0],
    );
    let more = idle.processor[0] - idle_before.processor[0];
    (count, more * 1e3 / (count as f64 / COMMENT_EVERY))
}

/// What a second of nothing costs.
async fn idles(groups: &Groups, seconds: u64) -> Cost {
    let (cost, begin) = (Cost::of(groups), Instant::now());
    sleep(Duration::from_secs(seconds)).await;
    Cost::of(groups).since(&cost, begin.elapsed().as_secs_f64())
}

/// Opens streams, each with a connection of its own, until one is refused.
async fn over_http_1(keys: &[Client], readers: usize) -> Vec<Stream> {
    let opening = stream::iter(0..readers).map(|index| async move {
        let key = &keys[index % keys.len()];
        let stream = Stream::try_open(key, "?after=now", None).await;
        stream.expect("the service answers")
    });
    let opened = opening.buffered(AT_ONCE);
    let opened = opened.take_while(|stream| ready(stream.status() == 200));
    opened.collect().await
}

/// Opens streams that share connections.
async fn over_http_2(api: &str, keys: &[Client], readers: usize) -> Vec<Stream> {
    let mut connection = Connection::to(api).await;
    let mut streams = Vec::new();
    for index in 0..readers {
        if index % OF_CONNECTION == OF_CONNECTION - 1 {
            connection = Connection::to(api).await;
        }
        let key = &keys[index % keys.len()];
        streams.push(connection.open(key, "?after=now", None).await);
    }
    streams
}

/// Has two events happen to each reader.
async fn every_user_uploads(users: &[Client], name: &str) {
    for user in users {
        user.active(name, name.to_owned()).await;
    }
}
