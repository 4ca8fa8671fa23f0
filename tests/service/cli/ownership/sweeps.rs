//! Sweeps destroy nothing that doesn't have one of our names, and never too much.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use queue::JobKind;
use tempfile::TempDir;
use tests::app::{Mode, TestApp};
use tests::in_both_modes;
use tests::objects::{old_key, puts};
use tests::poll::wait_until;

use super::ledgers::{SWEEPS, active, stopped};

#[in_both_modes]
async fn a_sweep_stops_where_too_much_would_go(mode: Mode) {
    let app = TestApp::start(mode).await;
    active(&app).await;
    // The first sweep comes by itself. Among few objects it would stop at none.
    let swept = "SELECT count(*) FROM jobs WHERE kind = 'sweep_store' AND state = 'done'";
    wait_until(
        Duration::from_mins(1),
        "the first sweep is over",
        async || app.number(swept).await > 0,
    )
    .await;
    let places = app.places().await;
    for _ in 0..60 {
        puts(
            &**places.store(),
            &old_key(),
            "of a ledger that was restored too early",
        )
        .await;
    }
    app.works_off(JobKind::SweepStore).await;
    assert!(stopped(&app, JobKind::SweepStore, "share").await > 0);
    let audited = app.command(&["audit", "--repair"]).await;
    assert_eq!(audited.code, 1);
    assert!(
        audited.printed.contains("too_many_strays"),
        "{}",
        audited.printed
    );
    assert_eq!(app.number("SELECT count(*) FROM quarantine").await, 0);

    for worker in app.workers() {
        worker.terminate().await;
        worker
            .restart_with(&[("DOSSIER_MAX_SWEEP_SHARE", "100%")])
            .await;
    }
    app.works_off(JobKind::SweepStore).await;
    assert_eq!(app.number("SELECT count(*) FROM quarantine").await, 60);
}

#[in_both_modes]
async fn what_is_no_object_of_ours_is_never_removed(mode: Mode) {
    let app = TestApp::start(mode).await;
    let places = app.places().await;
    let store = places.store();
    let gone = puts(&**store, &old_key(), "let go of").await;
    // More than one batch of the others is in front.
    let foreign: Vec<_> = (0..300)
        .map(|number| format!("{}a-{number}", store.place()))
        .collect();
    let elsewhere = [
        "file:///etc/passwd",
        "s3://another-bucket/a",
        "nothing at all",
    ];
    let elsewhere = elsewhere
        .into_iter()
        .chain(foreign.iter().map(String::as_str));
    let rows: Vec<_> = elsewhere
        .chain([gone.as_str()])
        .map(|url| format!("('{url}', 0)"))
        .collect();
    let discards = format!("INSERT INTO discards (url, at) VALUES {}", rows.join(", "));
    assert_eq!(app.tampers(&discards).await, 304);
    app.works_off(JobKind::RemoveDiscarded).await;
    assert_eq!(places.stat(&gone).await.unwrap(), None);
    assert_eq!(app.number("SELECT count(*) FROM discards").await, 303);
    assert!(Path::new("/etc/passwd").exists());
    app.tampers("DELETE FROM discards").await;
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_files_in_our_folders_outlive_every_sweep() {
    let folder = TempDir::new().unwrap();
    let mut foreign = Vec::new();
    for place in ["staging", "storage"] {
        for name in [
            "taxes-2023",
            "photos/2024-01-01/img001",
            "3f/notes-of-mine",
            ".aside/notes",
        ] {
            let path = folder.path().join("data").join(place).join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "mine").unwrap();
            let file = File::options().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
            foreign.push(path);
        }
    }
    let times = [
        ("DOSSIER_STRAY_AFTER", "10s"),
        ("DOSSIER_KEEP_QUARANTINED_FOR", "0s"),
    ];
    let app = TestApp::builder(Mode::Embedded)
        .folder(folder)
        .settings(&times)
        .start()
        .await;
    active(&app).await;
    for _ in 0..2 {
        app.works_off_all(&SWEEPS).await;
        app.works_off(JobKind::RemoveDiscarded).await;
    }
    let audited = app.command(&["audit", "--repair", "--deep"]).await;
    assert_eq!(audited.code, 0, "{}", audited.printed);
    for path in foreign {
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }
}
