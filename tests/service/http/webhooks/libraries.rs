//! Libraries of Standard Webhooks in other languages accept what is delivered.

use serde_json::json;
use tests::app::Mode;
use tests::in_both_modes;
use tests::scripts::runs_with;
use tests::servers::{Receiver, node, node_modules, standardwebhooks};

use super::owners::{open_to_this_machine, text, webhook};

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
    let right = input(text(&hook["secret"]));
    let wrong = input("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    for (program, script) in [(node(), "verify.cjs"), (standardwebhooks(), "verify.py")] {
        for (input, expected) in [(&right, "document.activated"), (&wrong, "refused")] {
            let said = runs_with(&program, app.folder(), &[script], input).await;
            assert_eq!(said.trim(), expected, "{script}");
        }
    }
    app.ends_clean().await;
}
