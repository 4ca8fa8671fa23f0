//! Moves through every kind of storage and back, while clients read, upload, delete and archive, and
//! workers and the ingress are killed: no read fails and nothing is lost.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::app::{Answer, Backend, Client, Mode, TestApp};
use tests::poll::poll;
use tokio::time::{Instant, sleep};

/// Clients that read.
const READERS: usize = 4;

/// The most copies that a worker makes at once.
const COPIES: usize = 16;

/// The rest after a request that wasn't answered, and between kills.
const REST: Duration = Duration::from_millis(200);

/// The rest between two reads of a client.
const PACE: Duration = Duration::from_millis(20);

/// How long a move may stand still.
const PATIENCE: Duration = Duration::from_mins(5);

/// How often a client asks before it gives up.
const TRIES: usize = 500;

/// How many documents move, and how often processes are killed on each way.
#[derive(Clone, Copy)]
struct Run {
    documents: usize,
    kills: usize,
}

/// What clients saw.
#[derive(Default)]
struct Seen {
    ended: AtomicBool,
    reads: AtomicU64,
    changes: AtomicU64,
    /// Requests that were cut off, or refused, as a process was killed.
    cut: AtomicU64,
}

impl Seen {
    fn goes_on(&self) -> bool {
        !self.ended.load(Ordering::Relaxed)
    }

    /// Asks until there is an answer other than 503.
    async fn answer(&self, client: &Client, request: impl Fn() -> RequestBuilder) -> Answer {
        for _ in 0..TRIES {
            match client.try_send(request()).await {
                Ok(answer) if answer.status != 503 => return answer,
                _ => {
                    self.cut.fetch_add(1, Ordering::Relaxed);
                    sleep(REST).await;
                }
            }
        }
        panic!("the service never answers");
    }
}

fn content(number: usize) -> String {
    format!("content {number} ").repeat(1 + number % 300)
}

fn path(document: &Value) -> String {
    format!("/v1/documents/{}", document["id"].as_str().unwrap())
}

async fn uploads(client: &Client, numbers: std::ops::Range<usize>) -> Vec<Value> {
    let mut all = Vec::new();
    let numbers: Vec<_> = numbers.collect();
    for some in numbers.chunks(16) {
        let some = some.iter().map(|number| async move {
            client.active(&number.to_string(), content(*number)).await
        });
        all.extend(join_all(some).await);
    }
    all
}

fn number(document: &Value) -> usize {
    document["name"].as_str().unwrap().parse().unwrap()
}

/// Reads documents until told to stop.
async fn reads(client: &Client, documents: &[Value], seen: &Seen) {
    let mut next = 0;
    while seen.goes_on() {
        let document = &documents[next % documents.len()];
        next += 7;
        let path = format!("{}/content", path(document));
        let answer = seen.answer(client, || client.request(Method::GET, &path));
        let answer = answer.await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.body == content(number(document)));
        seen.reads.fetch_add(1, Ordering::Relaxed);
        sleep(PACE).await;
    }
}

/// Uploads, archives and deletes documents until told to stop. Whether an upload that was cut off was
/// accepted nobody knows: the next try has another name.
async fn changes(client: &Client, begin: usize, seen: &Seen) -> Vec<Value> {
    let mut kept = Vec::new();
    for next in begin.. {
        if !seen.goes_on() {
            break;
        }
        let upload = client
            .request(Method::POST, &format!("/v1/documents?name={next}"))
            .header("content-type", "text/plain")
            .body(Bytes::from(content(next)));
        let document = match client.try_send(upload).await {
            Ok(answer) if answer.status != 503 => answer.expecting(202),
            _ => {
                seen.cut.fetch_add(1, Ordering::Relaxed);
                sleep(REST).await;
                continue;
            }
        };
        let path = path(&document);
        let waiting = format!("{path}?wait=20");
        let settled = seen.answer(client, || client.request(Method::GET, &waiting));
        let mut settled = settled.await.expecting(200);
        while settled["status"] == "pending" {
            let again = seen.answer(client, || client.request(Method::GET, &waiting));
            settled = again.await.expecting(200);
        }
        assert_eq!(settled["status"], "active", "{settled}");
        // A request that was cut off may have had its effect.
        let (answer, allowed) = match next % 3 {
            0 => {
                let delete = seen.answer(client, || client.request(Method::DELETE, &path));
                (delete.await, [204, 404])
            }
            1 => {
                let archive = format!("{path}/archive");
                let archive = seen.answer(client, || client.request(Method::POST, &archive));
                (archive.await, [200, 409])
            }
            _ => {
                kept.push(settled);
                continue;
            }
        };
        assert!(
            allowed.contains(&answer.status.as_u16()),
            "{}",
            answer.text()
        );
        seen.changes.fetch_add(1, Ordering::Relaxed);
    }
    kept
}

/// Kills one process after the other.
async fn kills(app: &TestApp, count: usize) {
    let workers = app.workers();
    let victims = [workers[0], app.ingress(), workers[1]];
    for victim in victims.into_iter().cycle().take(count) {
        victim.kill().await;
        victim.restart().await;
        sleep(REST).await;
    }
}

async fn moves(app: &TestApp, (from, to): (&str, &str), count: usize) -> Value {
    let admin = app.admin();
    let body = json!({"from": from, "to": to});
    let moving = admin.post_json("/v1/admin/storage/moves", &body).await;
    let moving = moving.expect_status(202).await;
    let path = format!("/v1/admin/storage/moves/{}", moving["id"].as_str().unwrap());
    kills(app, count).await;
    let mut before = Value::Null;
    loop {
        let now = poll(PATIENCE, async || {
            let now = admin.get(&path).await.expecting(200);
            if now["status"] == "running" && now["moved"] == before {
                return Err(now.to_string());
            }
            Ok(now)
        })
        .await;
        if now["status"] != "running" {
            return now;
        }
        before = now["moved"].clone();
        sleep(REST).await;
    }
}

async fn moves_through_every_place(run: Run) {
    let folder = TempDir::new().unwrap();
    let files = format!("file://{}/", folder.path().join("files").display());
    let mut more = vec![files.clone()];
    let mut settings = vec![];
    for backend in [Backend::Azure, Backend::Gcs] {
        more.push(backend.fresh_storage_url().await);
        settings.extend(backend.environment().await);
    }
    settings.push(("DOSSIER_MORE_STORAGE_URLS".to_owned(), more.join(" ")));
    settings.push(("DOSSIER_KEEP_MOVED_FOR".to_owned(), "5s".to_owned()));
    settings.push(("DOSSIER_LEASE".to_owned(), "2s".to_owned()));
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let app = TestApp::builder(Mode::Distributed)
        .settings(&settings)
        .start()
        .await;
    let alice = app.user("alice").await;
    let mut documents = uploads(&alice, 0..run.documents).await;

    let place = |url: &str| {
        url.split('?')
            .next()
            .unwrap()
            .trim_end_matches('/')
            .to_owned()
            + "/"
    };
    let store = place(app.places().await.store().place().as_str());
    let mut route = vec![store.clone()];
    route.extend(more.iter().map(|url| place(url)));
    route.push(store);
    let seen = Seen::default();
    let begun = Instant::now();
    let moving = async {
        let mut moved = Vec::new();
        for (from, to) in route.iter().zip(&route[1..]) {
            moved.push(moves(&app, (from, to), run.kills).await);
            println!("{} in {:?}", moved[moved.len() - 1], begun.elapsed());
        }
        seen.ended.store(true, Ordering::Relaxed);
        moved
    };
    let reading = join_all((0..READERS).map(|_| reads(&alice, &documents, &seen)));
    let changing = changes(&alice, 1_000_000, &seen);
    let (moved, _, kept) = tokio::join!(moving, reading, changing);
    for one in &moved {
        assert_eq!(
            (&one["status"], &one["failed"]),
            (&"completed".into(), &0.into()),
            "{one}"
        );
        assert!(
            one["moved"].as_u64().unwrap() >= run.documents as u64,
            "{one}"
        );
    }
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    println!(
        "{} objects through 4 places in {:?}, {} kills; meanwhile {} reads and {} changes; {} requests cut",
        run.documents,
        begun.elapsed(),
        run.kills * moved.len(),
        of(&seen.reads),
        of(&seen.changes),
        of(&seen.cut),
    );
    documents.extend(kept);
    for document in &documents {
        assert!(alice.downloads(document).await == content(number(document)));
    }
    let audit = app.command(&["audit", "--deep", "--rate", "1GiB"]).await;
    assert_eq!(audit.code, 0, "{}", audit.printed);
    // An upload that was cut off, and a copy whose worker died, may have left bytes without a row.
    let cut = usize::try_from(of(&seen.cut)).unwrap();
    app.ends_whole(cut + COPIES * run.kills * moved.len()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_move_through_every_kind_of_storage_while_they_are_used() {
    Box::pin(moves_through_every_place(Run {
        documents: 120,
        kills: 2,
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "moves ten thousand objects: run it by ./test --long"]
async fn ten_thousand_documents_move_through_every_kind_of_storage() {
    Box::pin(moves_through_every_place(Run {
        documents: 10_000,
        kills: 30,
    }))
    .await;
}
