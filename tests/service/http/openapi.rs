//! Schemathesis tries what the API's own description promises, on the running service.

use std::process::Command;

use tests::app::{Mode, TestApp};
use tests::scripts::runs;
use tests::servers::{node, node_modules, schemathesis};

/// Examples tried for each operation: enough to find what is wrong in general, few
/// enough for every run.
const EXAMPLES: &str = "20";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_keeps_what_its_description_promises() {
    // Made-up URLs of tickets are no attack here.
    let app = TestApp::builder(Mode::Embedded)
        .settings(&[("DOSSIER_AUTH_RATE_LIMIT", "1000000/min")])
        .start()
        .await;
    // Some documents of every kind, so that ids lead somewhere.
    let admin = app.admin();
    for name in ["one.txt", "two.txt"] {
        let pending = admin.uploads(name, format!("this is {name}")).await;
        admin.settled(&pending).await;
    }
    let hooks = include_str!("schemathesis.py");
    std::fs::write(app.folder().join("schemathesis_hooks.py"), hooks).unwrap();
    let output = Command::new(schemathesis())
        .current_dir(app.folder())
        .arg("--config-file")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/service/http/schemathesis.toml"))
        .arg("run")
        .arg(format!("{}/openapi.json", app.ingress().api()))
        .args(["--header", &format!("Authorization: Bearer {}", app.admin_key())])
        .args(["--max-examples", EXAMPLES, "--seed", "1", "--no-color"])
        .args(["--phases", "examples,coverage,fuzzing,stateful"])
        .env("SCHEMATHESIS_HOOKS", "schemathesis_hooks")
        .env("PYTHONPATH", app.folder())
        // Two take the key away that the run goes by; local files answer the third with 501; with the
        // next two nothing that is uploaded becomes active; and made-up URLs lead nowhere.
        .args([
            "--exclude-operation-id-regex",
            "delete_key|delete_user|begin_direct_upload|pause_queue|cancel_jobs|create_webhook|edit_webhook",
        ])
        .output()
        .expect("Schemathesis can be run");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_typescript_client_of_the_description_type_checks() {
    let app = TestApp::start(Mode::Embedded).await;
    let document = app.nobody().get("/openapi.json").await.expecting(200);
    let folder = app.folder();
    std::fs::write(folder.join("api.json"), document.to_string()).unwrap();
    let later = app.nobody().get("/openapi-3.1.json").await.expecting(200);
    std::fs::write(folder.join("later.json"), later.to_string()).unwrap();
    std::fs::write(folder.join("client.ts"), include_str!("client.ts")).unwrap();
    std::os::unix::fs::symlink(node_modules(), folder.join("node_modules")).unwrap();
    for arguments in [
        // It validates both versions.
        &["openapi-typescript", "later.json", "--output", "later.d.ts"][..],
        &["openapi-typescript", "api.json", "--output", "api.d.ts"],
        &[
            "typescript",
            "--noEmit",
            "--strict",
            "--skipLibCheck",
            "--target",
            "es2022",
            "--module",
            "esnext",
            "--moduleResolution",
            "bundler",
            "client.ts",
        ],
    ] {
        let program = match arguments[0] {
            "typescript" => "node_modules/typescript/bin/tsc",
            _ => "node_modules/openapi-typescript/bin/cli.js",
        };
        let words = [&[program][..], &arguments[1..]].concat();
        runs(&node(), folder, &words).await;
    }
}
