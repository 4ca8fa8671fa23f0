//! What a person sees: `dsr` in a terminal.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use tests::app::{Dsr, Mode, Run, TestApp};
use tests::content::pseudo_random;
use tests::servers::program_named;
use tokio::io::AsyncWriteExt as _;

/// Runs `dsr` in a terminal of so many columns, and returns all that it wrote to it.
async fn in_a_terminal(dsr: &Dsr, columns: u16, words: &str) -> Run {
    typing(dsr, columns, words, "").await
}

/// The same, while somebody types this.
async fn typing(dsr: &Dsr, columns: u16, words: &str, answer: &str) -> Run {
    let program = program_named("dsr");
    let program = program.display();
    let line = format!("stty cols {columns} rows 30; '{program}' {words}");
    let mut script = dsr.command(Path::new("script"));
    let mut child = script
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .spawn()
        .expect("script is part of Debian");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(answer.as_bytes()).await.unwrap();
    drop(stdin);
    Run::of(&child.wait_with_output().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_shows_progress_and_tables_that_fit() {
    let app = TestApp::start(Mode::Embedded).await;
    let dsr = Dsr::of_admin(&app);
    let name = format!("{}.bin", "a-long-name-".repeat(8));
    fs::write(dsr.home().join(&name), pseudo_random(70, 20 << 20)).unwrap();
    let put = in_a_terminal(&dsr, 100, "put *.bin --wait").await;
    assert_eq!(put.code, 0, "{put:?}");
    for words in [
        "a-long-name-",
        "/20.00 MiB",
        "1 document uploaded and active",
    ] {
        assert!(put.out.contains(words), "{words}: {put:?}");
    }
    let listed = in_a_terminal(&dsr, 100, "ls").await;
    let lines: Vec<_> = listed.out.lines().collect();
    assert!(lines[0].starts_with("ID"), "{listed:?}");
    assert!(
        lines[1].contains("20.00 MiB") && lines[1].contains('…'),
        "{listed:?}"
    );
    for line in lines {
        assert!(line.trim_end().chars().count() <= 100, "{line}");
    }
    // Without a terminal nothing is cut off, and there is no progress.
    let plain = dsr.run(&["ls"]).await;
    assert!(plain.out.trim_end().ends_with(&name), "{plain:?}");
    assert_eq!(plain.error, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_narrow_terminal_shows_scopes_details_and_times_in_full() {
    let app = TestApp::start(Mode::Embedded).await;
    let dsr = Dsr::of_admin(&app);
    let scopes = "documents:read,documents:write,operations,events";
    let name = "for the nightly run that copies everything";
    let words = [
        "key",
        "new",
        "--name",
        name,
        "--scope",
        scopes,
        "--expires-in",
        "1h",
    ];
    let made = dsr.does(&words).await.remove(0);
    let id = made["id"].as_str().unwrap();
    for words in ["key ls", "audit-log"] {
        let listed = in_a_terminal(&dsr, 80, words).await;
        assert_eq!(listed.code, 0, "{listed:?}");
        let text = listed.out.split_whitespace().collect::<Vec<_>>().join(" ");
        // A word that is longer than a line is broken.
        let joined = text.replace(' ', "");
        assert!(joined.contains(id) && !text.contains('…'), "{listed:?}");
        if words == "key ls" {
            assert!(joined.contains(scopes) && text.contains(name), "{listed:?}");
            let expires = made["expires_at"].as_str().unwrap();
            let expires = expires.split('.').next().unwrap().replace('T', " ");
            assert!(text.contains(&expires), "{expires}: {listed:?}");
        }
        for line in listed.out.lines() {
            assert!(line.trim_end().chars().count() <= 80, "{line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_at_a_terminal_is_asked_before_a_document_is_deleted() {
    let app = TestApp::start(Mode::Embedded).await;
    let dsr = Dsr::of_admin(&app);
    fs::write(dsr.home().join("a.txt"), "a").unwrap();
    let put = dsr.does(&["put", "a.txt", "--wait"]).await;
    let id = put[0]["id"].as_str().unwrap();
    let rm = format!("rm {id}");
    let question = format!("Delete a.txt ({id}) for good? [y/N]");
    let kept = typing(&dsr, 100, &rm, "n\n").await;
    assert_eq!(kept.code, 1, "{kept:?}");
    assert!(kept.out.contains(&question), "{kept:?}");
    assert_eq!(dsr.does(&["show", id]).await[0]["id"], id);
    let gone = typing(&dsr, 100, &rm, "y\n").await;
    assert_eq!(gone.code, 0, "{gone:?}");
    dsr.run(&["show", id]).await.fails_with(4, "not_found");

    let put = dsr.does(&["put", "a.txt", "--wait"]).await;
    let rm = format!("rm {} --yes", put[0]["id"].as_str().unwrap());
    let gone = in_a_terminal(&dsr, 100, &rm).await;
    assert_eq!(gone.code, 0, "{gone:?}");
    assert!(!gone.out.contains("[y/N]"), "{gone:?}");
}
