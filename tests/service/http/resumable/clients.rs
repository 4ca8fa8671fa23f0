//! Clients of tus that are not ours, unmodified: tus-js-client, Uppy and tuspy. They upload in pieces,
//! stop in the middle and go on, as their users have them do.

use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::in_both_modes;
use tests::scripts::runs;
use tests::servers::{node, node_modules, tuspy, uppy_modules};

/// Writes a script and the bytes that it uploads into the folder of the service.
fn written(app: &TestApp, script: (&str, &str), bytes: &[u8]) {
    let (name, text) = script;
    std::fs::write(app.folder().join(name), text).unwrap();
    std::fs::write(app.folder().join("noise.bin"), bytes).unwrap();
}

/// The document that the upload at the printed URL became, once it is active.
async fn document_at(client: &Client, printed: &str) -> Value {
    let url = printed.trim().lines().last().unwrap_or_default();
    let id = url.rsplit('/').next().unwrap_or_default();
    client.settled(&json!({"id": id})).await
}

#[in_both_modes]
async fn tus_js_client_uploads_aborts_and_resumes(mode: Mode) {
    let app = TestApp::start(mode).await;
    let bytes = pseudo_random(30, 9 << 20);
    written(&app, ("client.cjs", include_str!("client.cjs")), &bytes);
    let modules = app.folder().join("node_modules");
    std::os::unix::fs::symlink(node_modules(), modules).unwrap();
    let admin = app.admin();
    for way in ["pieces", "deferred", "parallel", "with-creation", "ended"] {
        let (api, key) = (app.ingress().api(), app.admin_key());
        let words = ["client.cjs", way, &api, key, "noise.bin"];
        let printed = runs(&node(), app.folder(), &words).await;
        if way == "ended" {
            assert_eq!(printed.trim(), "ended");
            continue;
        }
        let document = document_at(&admin, &printed).await;
        assert_eq!(document["name"], "noise.bin", "{way}");
        assert!(admin.downloads(&document).await == bytes, "{way}");
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn uppy_uploads_pauses_and_goes_on(mode: Mode) {
    let app = TestApp::start(mode).await;
    let bytes = pseudo_random(32, 9 << 20);
    written(&app, ("uppy.mjs", include_str!("uppy.mjs")), &bytes);
    let modules = app.folder().join("node_modules");
    std::os::unix::fs::symlink(uppy_modules(), modules).unwrap();
    let admin = app.admin();
    let api = app.ingress().api();
    let words = ["uppy.mjs", &api, app.admin_key(), "noise.bin"];
    let printed = runs(&node(), app.folder(), &words).await;
    let document = document_at(&admin, &printed).await;
    assert_eq!(document["name"], "noise.bin");
    assert!(admin.downloads(&document).await == bytes);
    app.ends_clean().await;
}

#[in_both_modes]
async fn tuspy_uploads_stops_and_resumes(mode: Mode) {
    let app = TestApp::start(mode).await;
    let bytes = pseudo_random(31, 9 << 20);
    written(&app, ("client.py", include_str!("client.py")), &bytes);
    let admin = app.admin();
    for way in ["pieces", "checksums", "async"] {
        let (api, key) = (app.ingress().api(), app.admin_key());
        let words = ["client.py", way, &api, key, "noise.bin"];
        let printed = runs(&tuspy(), app.folder(), &words).await;
        let document = document_at(&admin, &printed).await;
        assert_eq!(document["name"], "noise.bin", "{way}");
        assert!(admin.downloads(&document).await == bytes, "{way}");
    }
    app.ends_clean().await;
}
