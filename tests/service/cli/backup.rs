//! Backups of a running service by the commands of docs/OPERATIONS.md, and what comes back of them.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use bytes::Bytes;
use domain::Sha256;
use futures::StreamExt;
use queue::JobKind;
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::in_both_modes;
use tests::servers::{Postgres, S3, program};
use tokio::sync::watch;

/// Some are kept in their rows until they are stored, others staged.
const INLINE: (&str, &str) = ("DOSSIER_INLINE_BYTES", "2KiB");

/// The lists of commands in the chapter of the manual, in its order.
const COMMANDS: [&str; 5] = [
    "back up an embedded service",
    "restore it",
    "back up PostgreSQL and a bucket",
    "restore them",
    "go on",
];

/// The commands as the manual has them.
fn commands(what: &str) -> Vec<String> {
    let manual = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/OPERATIONS.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    let chapter = manual.split("\n## Back up, restore\n").nth(1).unwrap();
    let chapter = chapter.split("\n## ").next().unwrap();
    let lists: Vec<_> = chapter.split("\n```sh\n").skip(1).collect();
    assert_eq!(lists.len(), COMMANDS.len());
    let index = COMMANDS.iter().position(|name| *name == what).unwrap();
    let list = lists[index].split("\n```").next().unwrap();
    list.lines().map(str::to_owned).collect()
}

/// Runs a line in the shell of an operator.
async fn runs(app: &TestApp, line: &str) {
    let mut path = program().parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let backup = app.folder().join("backup");
    let mut shell = tokio::process::Command::new("sh");
    shell.args(["-euc", line]).kill_on_drop(true);
    shell.envs(app.variables().iter().cloned());
    shell.env("PATH", path).env("BACKUP", backup);
    if app.mode() == Mode::Distributed {
        let storage = setting(app, "DOSSIER_STORAGE_URL");
        let place = storage.split(['?', '/']).collect::<Vec<_>>();
        shell.env("STORAGE", format!("s3:{}/{}", place[2], place[3]));
        shell.env("RCLONE_CONFIG", app.folder().join("rclone.conf"));
        // This release of rclone stops at it.
        shell.env_remove("AWS_CA_BUNDLE");
        for (name, value) in [
            ("TYPE", "s3"),
            ("PROVIDER", "Other"),
            ("ENV_AUTH", "true"),
            ("REGION", "us-east-1"),
            ("ENDPOINT", &S3::shared().await.endpoint()),
        ] {
            shell.env(format!("RCLONE_CONFIG_S3_{name}"), value);
        }
    }
    let ended = shell.output().await.unwrap();
    let said = [&ended.stdout[..], &ended.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(ended.status.success(), "{line}\n{said}");
}

fn setting<'a>(app: &'a TestApp, name: &str) -> &'a str {
    let mut found = app.variables().iter().rev();
    &found.find(|(one, _)| one == name).unwrap().1
}

/// A document in three has the content of others, whose staged bytes are dropped.
fn content(seed: u64) -> Bytes {
    let seed = if seed.is_multiple_of(3) {
        seed % 9
    } else {
        seed
    };
    pseudo_random(seed, 500 + usize::try_from(seed % 10).unwrap() * 1_000)
}

/// Uploads, and deletes half of it once it is active, until it is told to stop. Returns the number
/// of uploads.
async fn load(client: Client, lane: u64, mut stop: watch::Receiver<bool>) -> u64 {
    let mut uploads = 0;
    while !*stop.borrow_and_update() {
        let seed = lane * 100_000 + uploads;
        let document = client.active(&format!("{seed}.bin"), content(seed)).await;
        if uploads.is_multiple_of(2) {
            deletes(&client, &document).await;
        }
        uploads += 1;
    }
    uploads
}

async fn deletes(client: &Client, document: &Value) {
    let id = document["id"].as_str().unwrap();
    let answer = client.delete(&format!("/v1/documents/{id}")).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
}

/// Takes a backup of a service that is used. On servers, two things happen between the copies of the
/// database and of the bucket which would lose bytes that the first copy names: documents are
/// deleted, and pending ones become active by content that is stored already.
async fn backs_up(app: &TestApp, client: &Client, victims: &[Value]) -> Vec<Value> {
    let mut pending = Vec::new();
    if app.mode() == Mode::Embedded {
        for line in commands("back up an embedded service") {
            runs(app, &line).await;
        }
        return pending;
    }
    std::fs::create_dir(app.folder().join("backup")).unwrap();
    for line in commands("back up PostgreSQL and a bucket") {
        let is_dump = line.starts_with("pg_dump ");
        if is_dump {
            runs(app, "dossier queue pause ingest").await;
            for seed in 0..6 {
                let name = format!("again-{seed}.bin");
                pending.push(client.uploads(&name, content(seed * 3)).await);
            }
        }
        runs(app, &line).await;
        if is_dump {
            runs(app, "dossier queue resume ingest").await;
            for document in &pending {
                assert_eq!(client.settled(document).await["status"], "active");
            }
            for document in victims {
                deletes(client, document).await;
            }
        }
    }
    pending
}

/// Takes everything away, as a disaster does, and restores it.
async fn restores(app: &TestApp) {
    for process in app.workers() {
        process.kill().await;
    }
    if app.mode() == Mode::Embedded {
        std::fs::remove_dir_all(Path::new(setting(app, "DOSSIER_DATA_DIR"))).unwrap();
        std::fs::create_dir(Path::new(setting(app, "DOSSIER_DATA_DIR"))).unwrap();
        for line in commands("restore it") {
            runs(app, &line).await;
        }
        app.ingress().restart().await;
    } else {
        app.ingress().kill().await;
        let name = setting(app, "DOSSIER_DATABASE_URL")
            .rsplit('/')
            .next()
            .unwrap();
        let postgres = Postgres::shared().await;
        let drop = format!("DROP DATABASE {name} WITH (FORCE)");
        postgres.executes(&drop).await;
        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        postgres.executes(&create).await;
        runs(app, "rclone delete \"$STORAGE\"").await;
        for line in commands("restore them") {
            runs(app, &line).await;
        }
        app.ingress().restart().await;
        for worker in app.workers() {
            worker.restart().await;
        }
        // The test's own pause is in the copy as well.
        runs(app, "dossier queue resume ingest").await;
    }
    for line in commands("go on") {
        runs(app, &line).await;
    }
}

#[in_both_modes]
async fn a_backup_under_load_brings_back_every_document(mode: Mode) {
    let app = TestApp::builder(mode).settings(&[INLINE]).start().await;
    let alice = app.user("alice").await;
    let upload = async |seed: u64| alice.active(&format!("{seed}.bin"), content(seed)).await;
    let before: Vec<_> = futures::stream::iter(0..40)
        .map(upload)
        .buffered(8)
        .collect()
        .await;
    let (kept, victims) = before.split_at(20);
    let (stop, stopped) = watch::channel(false);
    let lanes = (1..4).map(|lane| tokio::spawn(load(alice.clone(), lane, stopped.clone())));
    let lanes: Vec<_> = lanes.collect();
    let pending = backs_up(&app, &alice, victims).await;
    stop.send(true).unwrap();
    let mut uploads = 0;
    for lane in lanes {
        uploads += lane.await.unwrap();
    }
    assert!(uploads > 0);

    restores(&app).await;
    let found = alice.all("/v1/documents?limit=200").await;
    let expected = if mode == Mode::Embedded {
        &before
    } else {
        kept
    };
    for document in expected.iter().chain(victims).chain(&pending) {
        let is_there = found.iter().any(|one| one["id"] == document["id"]);
        assert!(is_there, "{document}");
    }
    println!(
        "{} documents came back, {uploads} uploads meanwhile",
        found.len()
    );
    for document in &found {
        let document = alice.settled(document).await;
        assert_eq!(document["status"], "active", "{document}");
        let bytes = alice.downloads(&document).await;
        assert_eq!(document["sha256"], json!(Sha256::of(&bytes).to_string()));
    }
    // What was uploaded while the files were copied has no row.
    app.works_off(JobKind::RemoveDiscarded).await;
    app.ends_whole(usize::MAX).await;
}

/// A further backup shares what is the same with the one before, and each is whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_further_backup_links_what_is_the_same() {
    let app = TestApp::builder(Mode::Embedded)
        .settings(&[INLINE])
        .start()
        .await;
    let alice = app.user("alice").await;
    let first = alice.active("first.bin", content(8)).await;
    let at = |name: &str| app.folder().join(name).display().to_string();
    let (one, other) = (at("one"), at("other"));
    let done = app.command(&["backup", &one]).await;
    assert_eq!(done.code, 0, "{}", done.printed);
    alice.active("second.bin", content(7)).await;
    deletes(&alice, &first).await;
    app.ends_clean().await;
    let done = app.command(&["backup", &other, "--previous", &one]).await;
    assert_eq!(done.code, 0, "{}", done.printed);
    let mark = |backup: &str| Path::new(backup).join("storage/.dossier/installation");
    let [first_mark, second_mark] = [&one, &other].map(|backup| mark(backup).metadata().unwrap());
    assert_eq!(first_mark.ino(), second_mark.ino());
    // A folder that holds something is left alone, and nothing stays paused.
    assert_eq!(app.command(&["backup", &one]).await.code, 1);
    let paused = app.command(&["queue", "list"]).await;
    assert!(!paused.printed.contains("paused"), "{}", paused.printed);
}
