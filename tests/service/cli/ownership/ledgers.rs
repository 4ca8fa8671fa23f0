//! Several ledgers and the places of one of them: nothing is destroyed in a place that isn't this
//! ledger's.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::time::Duration;

use domain::{Clock, InstallationId, SystemClock};
use futures::TryStreamExt;
use queue::JobKind;
use reqwest::Method;
use serde_json::{Value, json};
use storage::{Mark, Marking, StorageRouter};
use tempfile::TempDir;
use tests::app::{Mode, TestApp, result_path};
use tests::content::PDF;
use tests::in_both_modes;
use tests::objects::{old_key, puts};
use tests::poll::{poll, wait_until};
use tests::servers::{Postgres, program};
use tokio::process::Command;

/// How a command ended.
pub struct Ended {
    pub code: Option<i32>,
    pub printed: String,
    pub told: String,
}

pub async fn runs(command: &mut Command) -> Ended {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended {
        code: output.status.code(),
        printed: text(&output.stdout),
        told: text(&output.stderr),
    }
}

/// The one line with which a start is refused.
pub fn refusal(ended: &Ended) -> &str {
    assert_eq!(ended.code, Some(1), "{}", ended.told);
    let line = ended
        .told
        .lines()
        .filter(|line| line.starts_with("dossier: "));
    let lines: Vec<_> = line.collect();
    assert_eq!(lines.len(), 1, "{}", ended.told);
    lines[0]
}

/// Settings by which another ledger uses the places of `app`.
async fn another_ledger(app: &TestApp) -> Vec<(String, String)> {
    let data = app.folder().join("another");
    let mut variables = app.variables().clone();
    variables.push(("DOSSIER_DATA_DIR".to_owned(), data.display().to_string()));
    variables.push(("DOSSIER_LISTEN".to_owned(), "127.0.0.1:0".to_owned()));
    variables.push(("DOSSIER_OPS_LISTEN".to_owned(), "127.0.0.1:0".to_owned()));
    if app.mode() == Mode::Distributed {
        let database = Postgres::shared().await.create_database().await;
        variables.push(("DOSSIER_DATABASE_URL".to_owned(), database));
        return variables;
    }
    for (name, folder) in [("STAGING", "staging"), ("STORAGE", "storage")] {
        let place = app.folder().join("data").join(folder);
        let url = format!("file://{}", place.display());
        variables.push((format!("DOSSIER_{name}_URL"), url));
    }
    variables
}

pub fn dossier(arguments: &[&str], variables: &[(String, String)]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).envs(variables.iter().cloned());
    command
}

/// Waits until readiness is answered with `status`; gives what it says.
pub async fn readiness(app: &TestApp, status: u16) -> String {
    let url = format!("{}/health/ready", app.ingress().ops());
    poll(Duration::from_secs(30), async || {
        let answer = reqwest::get(&url).await.unwrap();
        let is_awaited = answer.status() == status;
        let text = answer.text().await.unwrap();
        if is_awaited { Ok(text) } else { Err(text) }
    })
    .await
}

/// How many cleanups the workers say were stopped.
pub async fn stopped(app: &TestApp, kind: JobKind, cause: &str) -> u64 {
    let beginning = format!("dossier_cleanups_stopped_total{{kind=\"{kind}\",cause=\"{cause}\"}} ");
    let mut sum = 0;
    for worker in app.workers() {
        let url = format!("{}/metrics", worker.ops());
        let text = reqwest::get(url).await.unwrap().text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(&beginning));
        sum += line.unwrap().parse::<u64>().unwrap();
    }
    sum
}

pub async fn active(app: &TestApp) -> Value {
    let alice = app.user("alice").await;
    let document = alice.uploads("report.pdf", PDF).await;
    let document = alice.settled(&document).await;
    assert_eq!(document["status"], "active", "{document}");
    document
}

pub async fn owner_of(app: &TestApp) -> InstallationId {
    match app.places().await.store().mark().await.unwrap() {
        Some(Mark::Of(installation)) => installation,
        mark => panic!("{mark:?}"),
    }
}

/// The URLs of all objects in the places.
async fn objects(places: &StorageRouter) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for storage in places.distinct() {
        let listed = storage.list(None).await.unwrap();
        let listed: Vec<_> = listed.try_collect().await.unwrap();
        found.extend(listed.into_iter().map(|entry| entry.url.to_string()));
    }
    found
}

/// Marks the places as somebody's, whatever mark they have.
async fn is_marked_for(places: &StorageRouter, installation: InstallationId) {
    for storage in places.distinct() {
        storage.set_mark(installation, Marking::Over).await.unwrap();
    }
}

pub const SWEEPS: [JobKind; 2] = [JobKind::SweepStaging, JobKind::SweepStore];

#[in_both_modes]
async fn another_ledger_is_refused_until_it_adopts_the_places(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_KEEP_QUARANTINED_FOR", "0s")])
        .start()
        .await;
    active(&app).await;
    let ours = owner_of(&app).await;
    let variables = another_ledger(&app).await;
    let role = if mode == Mode::Embedded {
        "serve"
    } else {
        "worker"
    };
    assert_eq!(
        runs(&mut dossier(&["migrate"], &variables)).await.code,
        Some(0)
    );
    let refused = runs(&mut dossier(&[role], &variables)).await;
    let line = refusal(&refused);
    let place = app.places().await.store().place().to_string();
    for word in [&*place, &ours.to_string(), "dossier storage adopt"] {
        assert!(line.contains(word), "{word}: {line}");
    }
    // To it, everything there is orphaned; nothing of that is touched.
    let audit = ["audit", "--repair"];
    let audited = runs(dossier(&audit, &variables).env("DOSSIER_STRAY_AFTER", "10s")).await;
    assert_eq!(audited.code, Some(1), "{}", audited.told);
    assert!(
        audited.printed.contains("foreign_place"),
        "{}",
        audited.printed
    );
    assert!(
        audited.printed.contains(" 0 objects in quarantine"),
        "{}",
        audited.printed
    );

    let asked = runs(&mut dossier(&["storage", "adopt"], &variables)).await;
    assert!(refusal(&asked).contains("--yes"), "{}", asked.told);
    assert!(
        asked.printed.contains(&ours.to_string()),
        "{}",
        asked.printed
    );
    assert_eq!(owner_of(&app).await, ours);
    let adopted = runs(&mut dossier(&["storage", "adopt", "--yes"], &variables)).await;
    assert_eq!(adopted.code, Some(0), "{}", adopted.told);
    assert_ne!(owner_of(&app).await, ours);
    let again = runs(&mut dossier(&["storage", "adopt"], &variables)).await;
    assert_eq!(again.code, Some(0), "{}", again.told);

    // The one that had them goes on serving, says so, and removes nothing any more.
    let body = readiness(&app, 503).await;
    assert!(
        body.contains("storage") && body.contains("installation"),
        "{body}"
    );
    let orphan = puts(&**app.places().await.store(), &old_key(), "an orphan").await;
    app.works_off_all(&SWEEPS).await;
    for kind in SWEEPS {
        assert!(stopped(&app, kind, "mark").await > 0, "{kind}");
    }
    assert_eq!(app.number("SELECT count(*) FROM quarantine").await, 0);
    let discard = format!("INSERT INTO discards (url, at) VALUES ('{orphan}', 0)");
    app.tampers(&discard).await;
    app.works_off(JobKind::RemoveDiscarded).await;
    assert!(stopped(&app, JobKind::RemoveDiscarded, "mark").await > 0);
    assert!(app.places().await.stat(&orphan).await.unwrap().is_some());

    let back = app.command(&["storage", "adopt", "--yes"]).await;
    assert_eq!(back.code, 0, "{}", back.printed);
    assert_eq!(owner_of(&app).await, ours);
    readiness(&app, 200).await;
    app.works_off(JobKind::RemoveDiscarded).await;
    app.ends_clean().await;
    let audited = app.command(&["audit", "--deep"]).await;
    assert_eq!(audited.code, 0, "{}", audited.printed);
}

#[in_both_modes]
async fn places_that_were_swapped_while_the_service_runs_lose_nothing(mode: Mode) {
    let times = [
        ("DOSSIER_PURGE_ARCHIVED_AFTER", "1s"),
        ("DOSSIER_KEEP_FAILED_FOR", "1s"),
        ("DOSSIER_BLOCKED_TYPES", "application/json"),
        // What is refused at the door lies in staging.
        ("DOSSIER_INLINE_BYTES", "0"),
    ];
    let app = TestApp::builder(mode).settings(&times).start().await;
    let places = app.places().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let document = alice.active("deleted.pdf", PDF).await;
    let archived = alice.active("archived.txt", "words\n").await;
    let path = |document: &Value| format!("/v1/documents/{}", document["id"].as_str().unwrap());
    alice
        .post_json(&format!("{}/archive", path(&archived)), &json!({}))
        .await
        .answer()
        .expecting(200);
    let export = json!({"action": "export", "select": {"ids": [document["id"]]}});
    let export = alice.runs(&export).await;
    let failed = alice.uploads("refused.json", "{\"a\": [1, 2]}\n").await;
    assert_eq!(alice.settled(&failed).await["status"], "error");
    bob.active("of-bob.txt", "words of bob\n").await;
    // What an attempt left over is on its way out.
    let nothing_waits = async || app.number("SELECT count(*) FROM discards").await == 0;
    wait_until(Duration::from_mins(1), "all is removed", nothing_waits).await;

    let ours = owner_of(&app).await;
    is_marked_for(&places, InstallationId::new(SystemClock.now())).await;
    let before = objects(&places).await;
    alice.delete(&path(&document)).await.expecting(204);
    alice.delete(&result_path(&export)).await.expecting(204);
    app.admin()
        .delete(&format!("/v1/admin/users/{}", bob.user.as_deref().unwrap()))
        .await
        .expecting(204);
    let wrong = alice
        .request(Method::POST, "/v1/documents?name=wrong.bin")
        .header(
            "content-digest",
            "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:",
        )
        .body("refused");
    alice
        .send(wrong)
        .await
        .expect_problem(422, "digest_mismatch");
    let broken = alice.imports("no archive", "").await;
    assert_eq!(broken["status"], "error");
    // What is archived or failed is kept for a second, and has to be older.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    app.works_off_all(&[
        JobKind::PurgeArchived,
        JobKind::ExpireFailed,
        JobKind::ExpireArchives,
    ])
    .await;
    app.works_off_all(&SWEEPS).await;
    app.works_off(JobKind::RemoveDiscarded).await;
    assert_eq!(
        app.number("SELECT count(*) FROM documents").await,
        1,
        "the failed one"
    );
    assert!(app.number("SELECT count(*) FROM discards").await >= 5);
    let after = objects(&places).await;
    let lost: Vec<_> = before.difference(&after).collect();
    assert!(lost.is_empty(), "{lost:?}");

    is_marked_for(&places, ours).await;
    app.works_off(JobKind::RemoveDiscarded).await;
    assert_eq!(app.number("SELECT count(*) FROM discards").await, 0);
    // The upload that was refused at the door has no row: the next sweep takes it in its time.
    assert_eq!(objects(&places).await.len(), 1);
}

#[tokio::test]
async fn places_that_lie_within_each_other_are_refused() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    for name in ["store/in", "staging", "data"] {
        fs::create_dir_all(at(name)).unwrap();
    }
    symlink(at("store"), at("link")).unwrap();
    symlink(at("store/in"), at("deep")).unwrap();
    for (data, staging, store, named) in [
        ("data", "store/in", "store", "DOSSIER_STORAGE_URL"),
        ("data", "store", "store/in", "DOSSIER_STORAGE_URL"),
        ("data", "link", "store", "DOSSIER_STORAGE_URL"),
        ("data", "deep", "store", "DOSSIER_STORAGE_URL"),
        ("data", "store", "deep", "DOSSIER_STORAGE_URL"),
        ("data", "staging/../link/in", "store", "DOSSIER_STORAGE_URL"),
        ("store", "staging", "store", "DOSSIER_DATA_DIR"),
        ("store/in/data", "staging", "link", "DOSSIER_DATA_DIR"),
    ] {
        let mut serve = Command::new(program());
        serve.arg("serve").env("DOSSIER_DATA_DIR", at(data));
        serve.env("DOSSIER_STAGING_URL", format!("file://{}", at(staging)));
        serve.env("DOSSIER_STORAGE_URL", format!("file://{}", at(store)));
        serve.env("DOSSIER_LISTEN", "127.0.0.1:0");
        let refused = runs(&mut serve).await;
        let line = refusal(&refused);
        assert!(line.contains(named), "{data}, {staging}, {store}: {line}");
    }
    for store in ["s3://bucket/a", "s3://bucket"] {
        let mut serve = Command::new(program());
        serve.arg("serve").env("DOSSIER_DATA_DIR", at("data"));
        serve.env("DOSSIER_STAGING_URL", "s3://bucket/a/b");
        serve.env("DOSSIER_STORAGE_URL", store);
        assert!(refusal(&runs(&mut serve).await).contains("overlap"));
    }
}
