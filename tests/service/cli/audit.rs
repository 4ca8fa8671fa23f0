//! `dossier audit`: damage is found, what can be mended is mended, the rest is told.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::{Clock, DocumentId, SystemClock};
use futures::stream;
use ledger::accept;
use queue::JobKind;
use serde_json::Value;
use tests::app::{Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::in_both_modes;
use tests::ledger::{arrival, limits};
use tests::objects::{key_of, location, old_key, puts};

/// Stages small uploads like large ones: their objects are what is damaged.
const STAGED: (&str, &str) = ("DOSSIER_INLINE_BYTES", "0");

/// What an audit printed: how often each kind was found with each remedy, and the summary.
struct Audited {
    code: i32,
    findings: BTreeMap<(String, String), usize>,
    summary: Value,
}

impl Audited {
    /// The kinds that were found, each so often.
    fn kinds(&self) -> BTreeMap<&str, usize> {
        let mut kinds = BTreeMap::new();
        for ((kind, _), count) in &self.findings {
            *kinds.entry(kind.as_str()).or_default() += count;
        }
        kinds
    }

    fn remedies(&self) -> BTreeMap<(&str, &str), usize> {
        let findings = self.findings.iter();
        findings
            .map(|((kind, remedy), count)| ((kind.as_str(), remedy.as_str()), *count))
            .collect()
    }
}

async fn audits(app: &TestApp, options: &[&str]) -> Audited {
    let arguments = [&["audit", "--json"], options].concat();
    let ended = app.command(&arguments).await;
    let mut findings = BTreeMap::new();
    let mut summary = Value::Null;
    for line in ended.printed.lines() {
        let line: Value = domain::read_json(line.as_bytes()).unwrap();
        if line["summary"].is_object() {
            summary = line["summary"].clone();
            continue;
        }
        assert!(
            line["subject"].is_string() && line["detail"].is_string(),
            "{line}"
        );
        let text = |field: &str| line[field].as_str().unwrap().to_owned();
        *findings.entry((text("kind"), text("remedy"))).or_default() += 1;
    }
    assert!(summary.is_object(), "{}", ended.printed);
    assert_eq!(summary["clean"], findings.is_empty());
    Audited {
        code: ended.code,
        findings,
        summary,
    }
}

async fn active(client: &Client, seed: u64) -> Value {
    let name = format!("{seed}.bin");
    let pending = client.uploads(&name, pseudo_random(seed, 3_000)).await;
    let document = client.settled(&pending).await;
    assert_eq!(document["status"], "active", "{document}");
    document
}

/// A document that is pending, with its bytes, while no process runs.
async fn pending(app: &TestApp, client: &Client) -> DocumentId {
    let (db, places) = (app.database().await, app.places().await);
    let now = SystemClock.now();
    let bytes = Box::pin(stream::iter([Ok(Bytes::from_static(b"left alone"))]));
    let staged = places.stage(now, bytes).await.unwrap();
    let owner = client.user.as_deref().unwrap().parse().unwrap();
    let mut arrival = arrival(owner, "left alone", now);
    arrival.staged = staged.url;
    let document = arrival.document;
    let mut limits = limits();
    limits.default_quota_bytes = domain::ByteSize::gibibytes(1);
    assert_eq!(accept(&db, &limits, &[arrival]).await.unwrap(), [Ok(())]);
    db.close().await.unwrap();
    document
}

async fn stops(app: &TestApp) {
    for worker in app.workers() {
        worker.terminate().await;
    }
    if app.mode() == Mode::Distributed {
        app.ingress().terminate().await;
    }
}

async fn starts(app: &TestApp) {
    app.ingress().restart().await;
    if app.mode() == Mode::Distributed {
        for worker in app.workers() {
            worker.restart().await;
        }
    }
}

#[in_both_modes]
#[expect(clippy::too_many_lines, reason = "one course of events")]
async fn damage_is_found_and_mended_where_nothing_is_lost_by_it(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_BLOCKED_TYPES", "application/pdf"), STAGED])
        .start()
        .await;
    let alice = app.user("alice").await;
    let mut documents = Vec::new();
    for seed in 0..7 {
        documents.push(active(&alice, seed).await);
    }
    let spoiled = alice.uploads("spoiled.pdf", tests::content::PDF).await;
    assert_eq!(alice.settled(&spoiled).await["status"], "error");
    app.ends_clean().await;
    stops(&app).await;
    let clean = audits(&app, &["--deep"]).await;
    assert_eq!((clean.code, clean.kinds()), (0, BTreeMap::new()));
    assert_eq!(clean.summary["objects"], 8);

    let places = app.places().await;
    let mut at = Vec::new();
    for document in &documents {
        at.push(location(&app, document).await);
    }
    let store = &**places.store();
    puts(store, &old_key(), "an orphan").await;
    puts(&**places.staging(), &old_key(), "left behind").await;
    app.loses(&at[0]).await;
    puts(store, key_of(&places, &at[1]), pseudo_random(1, 3_001)).await;
    puts(store, key_of(&places, &at[2]), pseudo_random(99, 3_000)).await;
    let lost = pending(&app, &alice).await;
    let far = i64::MAX / 2;
    for sql in [
            "UPDATE users SET used_bytes = used_bytes + 7, used_documents = used_documents + 1 WHERE name = 'alice'".to_owned(),
            format!("UPDATE blobs SET refs = refs + 1 WHERE storage_url = '{}'", at[3]),
            "DELETE FROM jobs WHERE state = 'ready'".to_owned(),
            format!("UPDATE documents SET sha256 = 'of something else' WHERE storage_url = '{}'", at[4]),
            format!("INSERT INTO discards (url, at) VALUES ('{}', 0)", at[5]),
            format!("UPDATE documents SET storage_url = 'gs://gone/a/b' WHERE storage_url = '{}'", at[6]),
            format!("UPDATE blobs SET storage_url = 'gs://gone/a/b' WHERE storage_url = '{}'", at[6]),
            format!(
                "INSERT INTO jobs (id, queue, kind, subject_id, owner_id, state, max_attempts, run_at, created_at) \
                 SELECT id, 'ingest', 'process_version', id, id, 'ready', 8, {far}, 0 FROM users WHERE name = 'alice'"
            ),
        ] {
            app.tampers(&sql).await;
        }
    let staged = "SELECT count(*) FROM versions WHERE status = 'error' AND staged_url IS NOT NULL";
    assert_eq!(app.number(staged).await, 1);
    let db = app.database().await;
    let known = ledger::audit::known_objects(&db, "", "~", 100)
        .await
        .unwrap();
    let failed = known.iter().filter(|object| object.is_staged());
    for object in
        failed.filter(|object| object.size.unwrap().bytes() == tests::content::PDF.len() as u64)
    {
        app.loses(&object.location().unwrap()).await;
    }
    db.close().await.unwrap();

    let one_place = usize::from(mode == Mode::Distributed);
    let mut damage = BTreeMap::from([
        ("orphaned_blob", 1 + one_place),
        ("missing_blob", 1),
        ("missing_staging", 1),
        ("wrong_length", 1),
        ("wrong_digest", 1),
        ("unknown_place", 1),
        ("doomed_bytes", 1),
        ("quota_drift", 1),
        ("reference_drift", 1),
        ("pending_without_job", 1),
        ("dangling_document", 1),
        ("unreadable_document", 1),
        ("job_without_subject", 1),
    ]);
    if one_place == 0 {
        damage.insert("stale_staging", 1);
    }
    for _ in 0..2 {
        let found = audits(&app, &["--deep"]).await;
        assert_eq!((found.code, found.kinds()), (1, damage.clone()));
        assert!(found.remedies().keys().all(|(_, remedy)| *remedy == "none"));
        assert_eq!(found.summary["quarantined"], 0);
    }

    let mended = audits(&app, &["--deep", "--repair", "--rate", "1GiB"]).await;
    assert_eq!((mended.code, mended.kinds()), (1, damage));
    let mut left = BTreeMap::from([
        (("missing_blob", "left"), 1),
        (("unreadable_document", "left"), 1),
        (("wrong_length", "left"), 1),
        (("wrong_digest", "left"), 1),
        (("unknown_place", "left"), 1),
    ]);
    let not_mended: BTreeMap<_, _> = mended
        .remedies()
        .into_iter()
        .filter(|((_, remedy), _)| *remedy == "left")
        .collect();
    assert_eq!(not_mended, left);
    // The digest that couldn't be read was one that the document didn't have.
    left.remove(&("unreadable_document", "left"));
    let again = audits(&app, &["--deep", "--repair"]).await;
    assert_eq!((again.code, again.remedies()), (1, left));
    assert_eq!(again.summary["quarantined"], 2);

    // A place that rows need and that isn't configured would keep the service from being ready.
    for table in ["blobs", "documents"] {
        app.tampers(&format!(
            "UPDATE {table} SET storage_url = '{}' WHERE storage_url = 'gs://gone/a/b'",
            at[6]
        ))
        .await;
    }
    starts(&app).await;
    for seed in [3, 4, 5] {
        assert_eq!(
            alice.downloads(&documents[seed]).await,
            pseudo_random(seed as u64, 3_000)
        );
    }
    let lost = alice
        .settled(&serde_json::json!({"id": lost.to_string()}))
        .await;
    assert_eq!(lost["status"], "active", "{lost}");
    let retry = format!("/v1/documents/{}/retry", spoiled["id"].as_str().unwrap());
    let refused = alice
        .send(alice.request(reqwest::Method::POST, &retry))
        .await;
    refused.expect_problem(409, "not_retryable");

    // What was destroyed comes back from a backup, and what is left is put right by hand.
    for seed in [0, 1, 2] {
        puts(
            store,
            key_of(&places, &at[seed]),
            pseudo_random(seed as u64, 3_000),
        )
        .await;
    }
    let whole = audits(&app, &["--deep"]).await;
    assert_eq!((whole.code, whole.kinds()), (0, BTreeMap::new()));
    for (seed, document) in documents.iter().enumerate() {
        assert_eq!(
            alice.downloads(document).await,
            pseudo_random(seed as u64, 3_000)
        );
    }
}

#[in_both_modes]
async fn lost_bytes_come_back_with_the_next_upload_of_them(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let (lost, damaged) = (active(&alice, 1).await, active(&alice, 2).await);
    let places = app.places().await;
    app.loses(&location(&app, &lost).await).await;
    let at = location(&app, &damaged).await;
    puts(
        &**places.store(),
        key_of(&places, &at),
        pseudo_random(2, 2_999),
    )
    .await;
    let found = audits(&app, &[]).await;
    assert_eq!(
        found.kinds(),
        BTreeMap::from([("missing_blob", 1), ("wrong_length", 1)])
    );

    // Others have them still, and what they bring mends it for all.
    let bob = app.user("bob").await;
    for (seed, first) in [(1, &lost), (2, &damaged)] {
        let document = active(&bob, seed).await;
        assert_eq!(location(&app, &document).await, location(&app, first).await);
        assert_eq!(bob.downloads(&document).await, pseudo_random(seed, 3_000));
        assert_eq!(alice.downloads(first).await, pseudo_random(seed, 3_000));
    }
    app.ends_clean().await;
    let clean = audits(&app, &["--deep"]).await;
    assert_eq!((clean.code, clean.kinds()), (0, BTreeMap::new()));
}

#[in_both_modes]
async fn what_is_left_behind_is_quarantined_and_then_removed(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_KEEP_QUARANTINED_FOR", "1h")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let document = active(&alice, 1).await;
    let places = app.places().await;
    let orphan = puts(&**places.store(), &old_key(), "an orphan").await;
    let stale = puts(&**places.staging(), &old_key(), "left behind").await;
    let young = places
        .stage(
            SystemClock.now(),
            Box::pin(stream::iter([Ok(Bytes::from_static(b"under way"))])),
        )
        .await
        .unwrap();
    for kind in [
        JobKind::SweepStaging,
        JobKind::SweepStore,
        JobKind::RemoveDiscarded,
    ] {
        app.works_off(kind).await;
    }
    // Nobody was told that what is staged would be kept; what is in the store may be needed.
    assert_eq!(
        places.stat(&stale).await.unwrap().is_some(),
        mode == Mode::Distributed
    );
    assert!(places.stat(&orphan).await.unwrap().is_some());
    assert!(places.stat(&young.url).await.unwrap().is_some());
    let kept = 1 + i64::from(mode == Mode::Distributed);
    assert_eq!(app.number("SELECT count(*) FROM quarantine").await, kept);

    app.tampers("UPDATE quarantine SET since = 0").await;
    for kind in [JobKind::SweepStore, JobKind::RemoveDiscarded] {
        app.works_off(kind).await;
    }
    assert_eq!(places.stat(&stale).await.unwrap(), None);
    assert_eq!(places.stat(&orphan).await.unwrap(), None);
    assert!(places.stat(&young.url).await.unwrap().is_some());
    app.loses(&young.url).await;
    assert_eq!(alice.downloads(&document).await, pseudo_random(1, 3_000));
    app.ends_clean().await;
}

#[in_both_modes]
async fn the_scheduled_check_finds_a_pending_version_without_a_job(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    stops(&app).await;
    let lost = pending(&app, &alice).await;
    app.tampers("DELETE FROM jobs WHERE kind = 'process_version'")
        .await;
    app.tampers("UPDATE users SET used_bytes = used_bytes + 1 WHERE name = 'alice'")
        .await;
    starts(&app).await;
    app.works_off(JobKind::CheckLedger).await;
    let lost = alice
        .settled(&serde_json::json!({"id": lost.to_string()}))
        .await;
    assert_eq!(lost["status"], "active", "{lost}");
    let logs: String = app.workers().iter().map(|worker| worker.log()).collect();
    assert!(logs.contains("quota counters drifted"), "{logs}");
    app.tampers("UPDATE users SET used_bytes = used_bytes - 1 WHERE name = 'alice'")
        .await;
    app.ends_clean().await;
}

#[tokio::test]
async fn an_audit_that_can_not_be_done_says_so_by_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let audit = async |database: &str| {
        let mut command = tokio::process::Command::new(tests::servers::program());
        command.arg("audit").env("DOSSIER_DATA_DIR", folder.path());
        command.env("DOSSIER_DATABASE_URL", database);
        command.output().await.unwrap().status.code()
    };
    for wrong in ["postgres://127.0.0.1:1/nothing", "mysql://x"] {
        assert_eq!(audit(wrong).await, Some(2), "{wrong}");
    }
    // A file without the schema.
    let file = format!("sqlite://{}", folder.path().join("empty.sqlite").display());
    assert_eq!(audit(&file).await, Some(2));
}
