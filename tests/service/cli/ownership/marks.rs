//! The mark of a place: who makes it, and what happens without it.

use std::fs;

use queue::JobKind;
use storage::Mark;
use tests::app::{Mode, TestApp};
use tests::content::PDF;
use tests::objects::{old_key, puts};

use super::ledgers::{SWEEPS, active, dossier, owner_of, readiness, refusal, runs, stopped};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_lost_its_mark_gets_none_by_itself() {
    let app = TestApp::start(Mode::Embedded).await;
    let alice = app.user("alice").await;
    let marks = app.folder().join("data/storage/.dossier");
    fs::remove_dir_all(&marks).unwrap();
    readiness(&app, 503).await;
    app.works_off_all(&SWEEPS).await;
    assert!(stopped(&app, JobKind::SweepStore, "mark").await > 0);
    app.ingress().terminate().await;
    let mut again = dossier(&["serve"], app.variables());
    let refused = runs(again.env("DOSSIER_LISTEN", "127.0.0.1:0")).await;
    let line = refusal(&refused);
    assert!(
        line.contains("has lost") && line.contains("data/storage/"),
        "{line}"
    );
    assert!(!marks.exists());
    let adopted = app.command(&["storage", "adopt", "--yes"]).await;
    assert_eq!(adopted.code, 0, "{}", adopted.printed);
    app.ingress().restart().await;
    let document = alice.uploads("report.pdf", PDF).await;
    assert_eq!(alice.settled(&document).await["status"], "active");
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_from_before_there_were_marks_marks_its_places() {
    let app = TestApp::start(Mode::Embedded).await;
    active(&app).await;
    app.ingress().terminate().await;
    let places = app.places().await;
    // What an upload left behind: the ledger knows nothing of it.
    puts(&**places.staging(), &old_key(), "left behind").await;
    for place in ["staging", "storage"] {
        fs::remove_dir_all(app.folder().join("data").join(place).join(".dossier")).unwrap();
    }
    app.tampers("DELETE FROM places").await;
    app.tampers("DELETE FROM installation").await;
    app.ingress().restart().await;
    let id = owner_of(&app).await;
    let mark = places.staging().mark().await.unwrap();
    assert_eq!(mark, Some(Mark::Of(id)));
    app.works_off(JobKind::SweepStaging).await;
    app.works_off(JobKind::RemoveDiscarded).await;
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_ledger_leaves_a_place_with_objects_alone() {
    let app = TestApp::start(Mode::Embedded).await;
    active(&app).await;
    app.ingress().terminate().await;
    let data = app.folder().join("data");
    for entry in fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::remove_file(path).unwrap();
        }
    }
    let serve = || {
        let mut serve = dossier(&["serve"], app.variables());
        serve.env("DOSSIER_LISTEN", "127.0.0.1:0");
        serve
    };
    let refused = runs(&mut serve()).await;
    assert!(refusal(&refused).contains("belongs to installation"));
    for place in ["staging", "storage"] {
        fs::remove_dir_all(data.join(place).join(".dossier")).unwrap();
    }
    let refused = runs(&mut serve()).await;
    let line = refusal(&refused);
    assert!(line.contains("knows nothing of"), "{line}");
    assert!(!data.join("storage/.dossier").exists());
}
