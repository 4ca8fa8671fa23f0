//! How `dsr` fails: with the exit codes that its help lists, and with what to do.

use std::fs;

use serde_json::Value;
use tests::app::{Dsr, Mode, TestApp};
use tests::content::PDF;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_have_documented_exit_codes_and_say_what_to_do() {
    let app = TestApp::builder(Mode::Embedded)
        .settings(&[("DOSSIER_BLOCKED_TYPES", "application/pdf")])
        .start()
        .await;
    let api = app.ingress().api();
    let dsr = Dsr::of_admin(&app);
    let nobody = Dsr::of_nobody();
    nobody.run(&["ls"]).await.fails_with(3, "dsr login");
    let stranger = Dsr::with_key(&api, "no-key-of-this-service-0123456789");
    stranger.run(&["ls"]).await.fails_with(3, "unauthorized");
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    dsr.run(&["show", unknown]).await.fails_with(4, "not_found");
    dsr.run(&["ls", "--created-after", "soon"])
        .await
        .fails_with(2, "2026-01-31");
    dsr.run(&["frobnicate"]).await.fails_with(2, "frobnicate");
    dsr.run(&["put", "nowhere"]).await.fails_with(1, "nowhere");
    fs::write(dsr.home().join("blocked.pdf"), PDF).unwrap();
    fs::write(dsr.home().join("fine.txt"), "fine").unwrap();
    let put = dsr.run(&["put", "blocked.pdf", "--wait"]).await;
    put.fails_with(1, "type_not_allowed");
    let put = dsr.run(&["put", "blocked.pdf", "fine.txt", "--wait"]).await;
    put.fails_with(1, "1 document uploaded, 1 failed");
    let as_json = dsr.run(&["show", unknown, "--json"]).await;
    assert_eq!((as_json.code, as_json.out.as_str()), (4, ""));
    let told: Value = domain::read_json(as_json.error.as_bytes()).unwrap();
    assert_eq!(told["error"]["code"], "not_found", "{told}");
    assert_eq!(told["error"]["exit_code"], 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_not_there_is_told_from_one_that_refuses() {
    // Nothing listens at port 1.
    let dsr = Dsr::with_key("http://127.0.0.1:1", "a-key-of-some-service-0123456789");
    dsr.run(&["ls"])
        .await
        .fails_with(5, "Is the service running");
    let dsr = Dsr::with_key("dossier.example", "a-key-of-some-service-0123456789");
    dsr.run(&["ls"]).await.fails_with(2, "dossier.example");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn manual_and_completions_know_the_commands() {
    let dsr = Dsr::of_nobody();
    for words in [
        &["man"][..],
        &["completions", "bash"],
        &["completions", "zsh"],
        &["--help"],
    ] {
        let printed = dsr.run(words).await;
        assert_eq!(printed.code, 0, "{printed:?}");
        for command in ["put", "archive", "operation", "audit-log"] {
            assert!(printed.out.contains(command), "{words:?} without {command}");
        }
    }
    let manual = dsr.run(&["man"]).await;
    assert!(manual.out.contains("quota\\-bytes"), "commands of commands");
    let help = dsr.run(&["--help"]).await;
    assert!(help.out.contains("Exit codes:"), "{}", help.out);
}
