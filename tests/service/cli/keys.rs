//! `dossier key new`: what a key may be used for, and for how long.

use serde_json::json;
use tests::app::{Mode, TestApp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_makes_keys_with_scopes_and_an_end() {
    let app = TestApp::start(Mode::Embedded).await;
    let words = |line: &'static str| line.split(' ').collect::<Vec<_>>();
    let made = app.command(&words("user new bob")).await;
    assert_eq!(made.code, 0, "{}", made.printed);
    let line = "key new bob --name reading --scope documents:read,events --expires-in 1h";
    let made = app.command(&words(line)).await;
    assert_eq!(made.code, 0, "{}", made.printed);
    let me = app.bearer(made.printed.trim()).get("/v1/me").await;
    let me = me.expecting(200);
    assert_eq!(me["name"], "bob");
    assert_eq!(me["scopes"], json!(["documents:read", "events"]));
    assert_eq!(me["key"]["name"], "reading");
    assert!(me["key"]["expires_at"].is_string(), "{me}");
    let beginning = me["key"]["starts_with"].as_str().unwrap();
    assert!(made.printed.starts_with(beginning) && beginning.len() == 14);

    // Nothing is made that can do nothing.
    for line in [
        "key new bob --scope admin",
        "key new bob --scope all",
        "key new bob --expires-in soon",
    ] {
        let refused = app.command(&words(line)).await;
        assert_ne!(refused.code, 0, "{line}");
        assert_eq!(refused.printed, "", "{line}");
    }
    let made = app.command(&words("key new admin --scope admin")).await;
    assert_eq!(made.code, 0, "{}", made.printed);
}
