//! `dsr` that is interrupted, whose files change, or that has no folder of its own.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tests::app::{Dsr, Mode, Run, TestApp};
use tests::content::pseudo_random;
use tests::poll::wait_until;
use tests::servers::{Flow, Gate};
use tokio::process::{Child, Command};

const LONG: Duration = Duration::from_mins(2);

/// The admin behind a gate.
async fn gated(app: &TestApp) -> (Dsr, Gate) {
    let api = app.ingress().api();
    let gate = Gate::before(api.rsplit(':').next().unwrap().parse().unwrap()).await;
    let url = format!("http://127.0.0.1:{}", gate.port());
    (Dsr::with_key(&url, app.admin_key()), gate)
}

/// Waits until the gate has stalled an upload, and returns it.
async fn has_begun(app: &TestApp, gate: &Gate) -> Value {
    wait_until(LONG, "the upload stalls", async || gate.has_cut()).await;
    let uploads = app.admin().get("/v1/uploads").await.expecting(200);
    let upload = uploads["items"][0].clone();
    assert_eq!(upload["status"], "open", "{uploads}");
    upload
}

/// Presses Ctrl-C, and returns how the command ended.
async fn interrupt(child: Child) -> Run {
    let id = child.id().unwrap().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().await;
    assert!(sent.unwrap().success());
    Run::of(&child.wait_with_output().await.unwrap())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_goes_on_after_ctrl_c_and_a_get_leaves_nothing() {
    let app = TestApp::start(Mode::Embedded).await;
    let (dsr, gate) = gated(&app).await;
    let large = pseudo_random(62, 24 << 20);
    fs::write(dsr.home().join("large.bin"), &large).unwrap();
    let words = ["put", "large.bin", "--wait"];
    gate.stall_after(120);
    let putting = dsr.start(&words);
    let upload = has_begun(&app, &gate).await;
    let interrupted = interrupt(putting).await;
    interrupted.fails_with(130, "Give the same command again");
    gate.set(Flow::Open);
    let put = dsr.does(&words).await.remove(0);
    assert_eq!(put["id"], upload["id"]);
    assert!(app.admin().downloads(&put).await == large);

    fs::remove_file(dsr.home().join("large.bin")).unwrap();
    let words = ["get", put["id"].as_str().unwrap()];
    gate.stall_after(120);
    let getting = dsr.start(&words);
    wait_until(LONG, "the download has begun", async || gate.has_cut()).await;
    interrupt(getting).await.fails_with(130, "interrupted");
    gate.set(Flow::Open);
    assert!(!names(dsr.home()).iter().any(|name| name.contains("part")));
    dsr.does(&words).await;
    assert!(fs::read(dsr.home().join("large.bin")).unwrap() == large);
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_changes_while_it_is_put_fails_and_is_named() {
    let app = TestApp::start(Mode::Embedded).await;
    let (dsr, gate) = gated(&app).await;
    let path = dsr.home().join("log.bin");
    for (is_shorter, advice) in [(true, "nothing writes to it"), (false, "delete it")] {
        fs::write(&path, pseudo_random(63, 40 << 20)).unwrap();
        gate.stall_after(120);
        let putting = dsr.start(&["put", "log.bin"]);
        has_begun(&app, &gate).await;
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(if is_shorter { 1 << 20 } else { 41 << 20 })
            .unwrap();
        gate.set(Flow::Open);
        let run = Run::of(&putting.wait_with_output().await.unwrap());
        run.fails_with(1, "log.bin has changed while it was uploaded");
        run.fails_with(1, advice);
    }
    // What could be no whole file has been given up; the longer one is what it was.
    let listed = dsr.does(&["ls"]).await;
    let sizes: Vec<_> = listed.iter().map(|found| &found["size_bytes"]).collect();
    assert_eq!(sizes, [40 << 20]);
    let open = dsr.does(&["upload", "ls"]).await;
    assert!(
        !open.iter().any(|upload| upload["status"] == "open"),
        "{open:?}"
    );
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_folder_of_their_own_uploads_all_the_same() {
    let app = TestApp::start(Mode::Embedded).await;
    let dsr = Dsr::of_admin(&app);
    // As in a container whose disk is read-only.
    fs::write(dsr.home().join(".local"), "no folder").unwrap();
    fs::write(dsr.home().join("a.txt"), "a").unwrap();
    let put = dsr.run(&["put", "a.txt", "--wait"]).await;
    assert_eq!(put.code, 0, "{put:?}");
    assert!(put.error.contains("won't go on"), "{put:?}");
    let id = dsr.does(&["ls"]).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    dsr.run(&["get", &id, "-o", "absent/a.txt"])
        .await
        .fails_with(1, "absent/a.txt");
    app.ends_clean().await;
}
