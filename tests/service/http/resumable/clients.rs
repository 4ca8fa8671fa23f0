//! Clients of tus that are not ours, unmodified: tus-js-client, Uppy and tuspy. They upload in pieces,
//! stop in the middle and go on, as their users have them do.

use std::process::Output;

use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::in_both_modes;
use tests::servers::{node, node_modules, tuspy, uppy_modules};
use tokio::process::Command;

/// The document that the upload at the printed URL became, once it is active.
async fn document_at(client: &Client, output: &Output) -> Value {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (printed, error) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{printed}\n{error}");
    let url = printed.trim().lines().last().unwrap_or_default();
    let id = url.rsplit('/').next().unwrap_or_default();
    client.settled(&json!({"id": id})).await
}

#[in_both_modes]
async fn tus_js_client_uploads_aborts_and_resumes(mode: Mode) {
    let app = TestApp::start(mode).await;
    let bytes = pseudo_random(30, 9 << 20);
    let file = app.folder().join("noise.bin");
    std::fs::write(&file, &bytes).unwrap();
    std::fs::write(app.folder().join("client.cjs"), include_str!("client.cjs")).unwrap();
    let modules = app.folder().join("node_modules");
    std::os::unix::fs::symlink(node_modules(), modules).unwrap();
    let admin = app.admin();
    for way in ["pieces", "deferred", "parallel", "with-creation", "ended"] {
        let output = Command::new(node())
            .current_dir(app.folder())
            .args(["client.cjs", way, &app.ingress().api(), app.admin_key()])
            .arg(&file)
            .output()
            .await
            .expect("node can be run");
        if way == "ended" {
            let printed = String::from_utf8_lossy(&output.stdout).into_owned();
            assert_eq!(printed.trim(), "ended", "{output:?}");
            continue;
        }
        let document = document_at(&admin, &output).await;
        assert_eq!(document["name"], "noise.bin", "{way}");
        assert!(admin.downloads(&document).await == bytes, "{way}");
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn uppy_uploads_pauses_and_goes_on(mode: Mode) {
    let app = TestApp::start(mode).await;
    let bytes = pseudo_random(32, 9 << 20);
    let file = app.folder().join("noise.bin");
    std::fs::write(&file, &bytes).unwrap();
    std::fs::write(app.folder().join("uppy.mjs"), include_str!("uppy.mjs")).unwrap();
    let modules = app.folder().join("node_modules");
    std::os::unix::fs::symlink(uppy_modules(), modules).unwrap();
    let admin = app.admin();
    let output = Command::new(node())
        .current_dir(app.folder())
        .args(["uppy.mjs", &app.ingress().api(), app.admin_key()])
        .arg(&file)
        .output()
        .await
        .expect("node can be run");
    let document = document_at(&admin, &output).await;
    assert_eq!(document["name"], "noise.bin");
    assert!(admin.downloads(&document).await == bytes);
    app.ends_clean().await;
}

#[in_both_modes]
async fn tuspy_uploads_stops_and_resumes(mode: Mode) {
    let app = TestApp::start(mode).await;
    let bytes = pseudo_random(31, 9 << 20);
    let file = app.folder().join("noise.bin");
    std::fs::write(&file, &bytes).unwrap();
    std::fs::write(app.folder().join("client.py"), include_str!("client.py")).unwrap();
    let admin = app.admin();
    for way in ["pieces", "checksums", "async"] {
        let output = Command::new(tuspy())
            .current_dir(app.folder())
            .args(["client.py", way, &app.ingress().api(), app.admin_key()])
            .arg(&file)
            .output()
            .await
            .expect("Python can be run");
        let document = document_at(&admin, &output).await;
        assert_eq!(document["name"], "noise.bin", "{way}");
        assert!(admin.downloads(&document).await == bytes, "{way}");
    }
    app.ends_clean().await;
}
