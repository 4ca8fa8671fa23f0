//! Programs in other languages: clients of the service, compilers, and scripts that drive a browser.

use std::path::Path;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::app::{Run, TestApp};
use crate::servers::{browser, browser_modules, node};

/// Runs a program in a folder, asserts its success, and returns what it printed.
pub async fn runs(program: &Path, folder: &Path, words: &[&str]) -> String {
    runs_with(program, folder, words, "").await
}

/// The same with this standard input.
pub async fn runs_with(program: &Path, folder: &Path, words: &[&str], input: &str) -> String {
    let mut command = Command::new(program);
    succeeds(command.current_dir(folder).args(words), input).await
}

/// Has a script on `browser.cjs` drive a browser at the service, and asserts that nothing went wrong.
/// `words` are its own arguments.
pub async fn drives_a_browser(app: &TestApp, script: &Path, words: &[&str]) {
    let mut command = Command::new(node());
    command
        .arg(script)
        .arg(app.ingress().api())
        .arg(browser())
        .args(words)
        .env("NODE_PATH", browser_modules())
        // What the browser writes beside its profile.
        .env("HOME", app.folder())
        .env("TMPDIR", app.folder());
    succeeds(&mut command, "").await;
}

async fn succeeds(command: &mut Command, input: &str) -> String {
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = piped.spawn().expect("`./test --install` installs it");
    if let Some(mut stdin) = child.stdin.take() {
        // A program that reads nothing may have ended.
        drop(stdin.write_all(input.as_bytes()).await);
    }
    let run = Run::of(&child.wait_with_output().await.expect("it ends"));
    assert_eq!(run.code, 0, "{command:?}\n{}{}", run.out, run.error);
    run.out
}
