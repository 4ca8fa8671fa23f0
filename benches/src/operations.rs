//! Operations on many documents: their duration compared with single calls, exports and imports,
//! the memory of the processes, and the effect on other users meanwhile.

use std::time::{Duration, Instant};

use client::{NewDocument, PATIENCE, Source};
use futures::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::content::{PDF, pseudo_random};

use tests::servers::Dossier;

/// Concurrent uploads while the files of the archives are created.
const CONCURRENCY: usize = 16;

/// The pause between two uploads of other users while an operation runs.
const PAUSE: Duration = Duration::from_millis(100);

/// What is changed and moved.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Options {
    /// The number of documents that one operation archives and deletes
    #[arg(long, default_value_t = 100_000)]
    documents: usize,
    /// The number of single calls to compare with
    #[arg(long, default_value_t = 1_000)]
    calls: usize,
    /// The number of documents that are exported and imported
    #[arg(long, default_value_t = 10_000)]
    files: usize,
    /// Their size in bytes
    #[arg(long, default_value_t = 16 << 10)]
    size: usize,
}

/// Archives and deletes documents, exports and imports them.
pub async fn run(mode: Mode, options: &Options) {
    let amounts = *options;
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_LOG", "warn")])
        .start()
        .await;
    let others = app.user("others").await;
    let warm = others.uploads("warm.pdf", PDF).await;
    others.settled(&warm).await;
    changes(&app, &others, amounts).await;
    archives(&app, &others, amounts).await;
}

/// Archives and deletes all documents of one user, each by one operation, and those of another by
/// single calls.
async fn changes(app: &TestApp, others: &Client, amounts: Options) {
    let Options {
        documents, calls, ..
    } = amounts;
    let (many, _) = user_with_documents(app, "many", documents).await;
    let (single, ids) = user_with_documents(app, "single", calls).await;
    for (action, status) in [("archive", "active"), ("delete", "archived")] {
        let filter = json!({"action": action, "select": {"filter": {"status": status}}});
        let begin = Instant::now();
        let operation = many.asks_for(&filter).await;
        let accepted = begin.elapsed().as_secs_f64();
        let (ended, meanwhile) = with_others(&many, &operation, others).await;
        let whole = begin.elapsed().as_secs_f64();
        assert_eq!(ended["succeeded"], documents, "{ended}");

        let begin = Instant::now();
        for id in &ids {
            let path = format!("/v1/documents/{id}");
            match action {
                "archive" => {
                    let path = format!("{path}/archive");
                    let done = single.post_json(&path, &json!({})).await;
                    done.expect_status(200).await;
                }
                _ => drop(single.delete(&path).await.expecting(204)),
            }
        }
        let each = begin.elapsed().as_secs_f64() / ids.len() as f64;
        println!(
            "{:?}: {action} {documents} by one operation: accepted after {accepted:.2} s, ended after {whole:.2} s; \
             {calls} single calls: {:.2} ms each, so {:.0} s for all: {:.1} times as long; {meanwhile}",
            app.mode(),
            each * 1e3,
            each * documents as f64,
            each * documents as f64 / whole,
        );
    }
}

/// Creates a user with so many active documents of the same content, and returns their ids.
async fn user_with_documents(app: &TestApp, name: &str, count: usize) -> (Client, Vec<String>) {
    let user = json!({"name": name, "quota_documents": 1_000_000});
    let client = app.user_with(user).await;
    let pending = client.uploads("report.pdf", PDF).await;
    let first = client.settled(&pending).await;
    let first = first["id"].as_str().expect("a document has an id");
    let db = app.database().await;
    let original = first.parse().expect("an id");
    let mut ids = vec![first.to_owned()];
    let copies = tests::ledger::copies(&db, original, count - 1).await;
    ids.extend(copies.iter().map(ToString::to_string));
    db.close().await.expect("the database is let go of");
    (client, ids)
}

/// Exports documents into an archive, and imports it.
async fn archives(app: &TestApp, others: &Client, amounts: Options) {
    let writer = app.user("writer").await;
    uploads(&writer.library(), amounts).await;
    forget_peaks(app);
    let before = memory(app, |resident| resident.0);
    let begin = Instant::now();
    let export = json!({"action": "export", "select": {"filter": {}}});
    let operation = writer.asks_for(&export).await;
    let (ended, meanwhile) = with_others(&writer, &operation, others).await;
    let seconds = begin.elapsed().as_secs_f64();
    assert_eq!(ended["succeeded"], amounts.files, "{ended}");
    tell(app, "export", amounts, seconds, &before, &meanwhile);

    let id = ended["id"].as_str().expect("an operation has an id");
    let archive = writer.get(&format!("/v1/operations/{id}/result")).await;
    archive.status.is_success().then_some(()).expect("a result");
    let reader = app.user("reader").await;
    forget_peaks(app);
    let before = memory(app, |resident| resident.0);
    let begin = Instant::now();
    let request = reader
        .request(Method::POST, "/v1/operations/import")
        .header("content-type", "application/zip")
        .body(archive.body);
    let operation = reader.send(request).await.expecting(202);
    let (ended, meanwhile) = with_others(&reader, &operation, others).await;
    let seconds = begin.elapsed().as_secs_f64();
    assert_eq!(ended["succeeded"], amounts.files, "{ended}");
    tell(app, "import", amounts, seconds, &before, &meanwhile);
}

async fn uploads(client: &client::Client, amounts: Options) {
    let indices = futures::stream::iter(1..=amounts.files);
    let upload = async |index: usize| {
        let content = Source::bytes(pseudo_random(index as u64, amounts.size));
        let new = NewDocument::named(format!("{index}.bin"));
        let accepted = client.upload(content, new).await;
        accepted.expect("the upload is accepted")
    };
    let accepted: Vec<_> = indices
        .map(upload)
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    for document in accepted.iter().rev() {
        let settled = client.wait_for_document(document.id, PATIENCE).await;
        settled.expect("the document is processed");
    }
}

/// Waits for the end of an operation while another user uploads documents one after another.
/// Returns a description of the effect on those.
async fn with_others(client: &Client, operation: &Value, others: &Client) -> (Value, String) {
    let ended = client.ended(operation);
    tokio::pin!(ended);
    let mut times = Vec::new();
    let ended = loop {
        let upload = async {
            tokio::time::sleep(PAUSE).await;
            let begin = Instant::now();
            let pending = others.uploads("meanwhile.pdf", PDF).await;
            others.settled(&pending).await;
            begin.elapsed()
        };
        // An upload that outlasts the operation isn't counted.
        tokio::select! {
            ended = &mut ended => break ended,
            time = upload => times.push(time),
        }
    };
    times.sort();
    let words = match (times.get(times.len() / 2), times.last()) {
        (Some(median), Some(last)) => format!(
            "{} uploads of others meanwhile: active after {:.2} s (median), {:.2} s (slowest)",
            times.len(),
            median.as_secs_f64(),
            last.as_secs_f64(),
        ),
        _ => "over before another upload was active".to_owned(),
    };
    (ended, words)
}

/// The processes by role.
fn processes(app: &TestApp) -> Vec<(&'static str, &Dossier)> {
    match app.mode() {
        Mode::Embedded => vec![("serve", app.ingress())],
        Mode::Distributed => {
            let workers = app.workers().into_iter().map(|worker| ("worker", worker));
            std::iter::once(("ingress", app.ingress()))
                .chain(workers)
                .collect()
        }
    }
}

/// Resets the peak memory of each process (`proc(5)`, `clear_refs`).
fn forget_peaks(app: &TestApp) {
    for (_, process) in processes(app) {
        let file = format!("/proc/{}/clear_refs", process.pid());
        std::fs::write(file, "5").expect("the peak of a process of ours can be forgotten");
    }
}

fn memory(app: &TestApp, field: impl Fn((u64, u64)) -> u64) -> Vec<u64> {
    let processes = processes(app);
    let processes = processes.iter();
    processes
        .map(|(_, process)| field(process.resident_memory()) >> 20)
        .collect()
}

fn tell(
    app: &TestApp,
    what: &str,
    amounts: Options,
    seconds: f64,
    before: &[u64],
    meanwhile: &str,
) {
    let peaks = memory(app, |resident| resident.1);
    let roles = processes(app);
    let memory: Vec<_> = roles
        .iter()
        .zip(before.iter().zip(&peaks))
        .map(|((role, _), (before, peak))| {
            format!("{role} {before} MiB before, {peak} MiB at the peak")
        })
        .collect();
    println!(
        "{:?}: {what} of {} documents of {} bytes: {seconds:.2} s, {:.0} documents/s; {}; {meanwhile}",
        app.mode(),
        amounts.files,
        amounts.size,
        amounts.files as f64 / seconds,
        memory.join("; "),
    );
}
