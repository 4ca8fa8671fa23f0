//! Libraries of Standard Webhooks in other languages accept what is delivered.

use std::process::Stdio;

use serde_json::json;
use tests::app::{Mode, TestApp};
use tests::in_both_modes;
use tests::servers::{Receiver, node, node_modules, standardwebhooks};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::owners::{open_to_this_machine, text, webhook};

/// Runs a verifier on a message, and returns what it prints.
async fn verifies(app: &TestApp, mut program: Command, input: &str) -> String {
    let child = program
        .current_dir(app.folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut child = child.expect("the verifier can be run");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).await.expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().await.expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).trim().to_owned()
}

#[in_both_modes]
async fn other_languages_verify_deliveries(mode: Mode) {
    let (app, receiver) = (open_to_this_machine(mode).start().await, Receiver::start());
    let alice = app.user("alice").await;
    let hook = webhook(&alice, &receiver, &["document.activated"]).await;
    alice.active("ü.txt", "a").await;
    let requests = receiver.receives(|all| !all.is_empty()).await;
    let message = &requests[0];
    let input = |secret: &str| {
        let fields = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        let fields = fields.map(|name| (name.to_owned(), json!(message.header(name))));
        json!({
            "secret": secret,
            "headers": serde_json::Map::from_iter(fields),
            "body": String::from_utf8(message.body.to_vec()).unwrap(),
        })
        .to_string()
    };
    let modules = app.folder().join("node_modules");
    std::os::unix::fs::symlink(node_modules(), modules).unwrap();
    for (name, source) in [
        ("verify.cjs", include_str!("verify.cjs")),
        ("verify.py", include_str!("verify.py")),
    ] {
        std::fs::write(app.folder().join(name), source).unwrap();
    }
    let javascript = || {
        let mut command = Command::new(node());
        command.arg("verify.cjs");
        command
    };
    let python = || {
        let mut command = Command::new(standardwebhooks());
        command.arg("verify.py");
        command
    };
    let right = input(text(&hook["secret"]));
    assert_eq!(
        verifies(&app, javascript(), &right).await,
        "document.activated"
    );
    assert_eq!(verifies(&app, python(), &right).await, "document.activated");
    let wrong = input("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(verifies(&app, javascript(), &wrong).await, "refused");
    assert_eq!(verifies(&app, python(), &wrong).await, "refused");
    app.ends_clean().await;
}
