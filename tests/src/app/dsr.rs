//! The clients' command line, as one of its users has it: with folders of their own, and nothing of
//! this machine's environment.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use super::TestApp;
use crate::servers::program_named;

/// A user of `dsr`.
#[derive(Debug)]
pub struct Dsr {
    home: TempDir,
    variables: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub error: String,
}

impl Dsr {
    /// Somebody who isn't signed in.
    #[must_use]
    pub fn of_nobody() -> Self {
        Self {
            home: TempDir::new().expect("a temporary folder can be made"),
            variables: vec![("NO_COLOR".to_owned(), "1".to_owned())],
        }
    }

    /// Somebody with this key for the service at `url`.
    #[must_use]
    pub fn with_key(url: &str, key: &str) -> Self {
        let mut dsr = Self::of_nobody();
        dsr.variables.push(("DSR_URL".to_owned(), url.to_owned()));
        dsr.variables.push(("DSR_KEY".to_owned(), key.to_owned()));
        dsr
    }

    /// The admin of the service.
    #[must_use]
    pub fn of_admin(app: &TestApp) -> Self {
        Self::with_key(&app.ingress().api(), app.admin_key())
    }

    /// Their home, in which commands run.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A command of theirs.
    #[must_use]
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .envs(self.variables.iter().cloned())
            .current_dir(self.home.path())
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs `dsr` with these words.
    pub async fn run(&self, words: &[&str]) -> Run {
        self.run_with(words, "").await
    }

    /// Runs a line of a shell, in which `dsr` is the program.
    pub async fn shell(&self, line: &str) -> Run {
        let mut command = self.command(Path::new("bash"));
        let dsr = program_named("dsr");
        let line = format!(
            "set -o pipefail; dsr() {{ '{}' \"$@\"; }}; {line}",
            dsr.display()
        );
        let output = command.args(["-c", &line]).output().await;
        Run::of(&output.expect("bash is part of Debian"))
    }

    /// Starts `dsr` with these words.
    #[must_use]
    pub fn start(&self, words: &[&str]) -> Child {
        let mut command = self.command(&program_named("dsr"));
        let started = command.args(words).stdin(Stdio::piped()).spawn();
        started.expect("dsr was built")
    }

    /// Runs `dsr` with these words and this standard input.
    pub async fn run_with(&self, words: &[&str], input: &str) -> Run {
        let mut child = self.start(words);
        if let Some(mut stdin) = child.stdin.take() {
            // A command that reads nothing may have ended.
            drop(stdin.write_all(input.as_bytes()).await);
        }
        let output = child.wait_with_output().await.expect("dsr ends");
        Run::of(&output)
    }

    /// Runs `dsr` with these words, asserts its success, and returns the objects that it printed.
    pub async fn does(&self, words: &[&str]) -> Vec<Value> {
        let words = [words, &["--json"]].concat();
        self.run(&words).await.objects(0)
    }
}

impl Run {
    /// How the command with this output ended.
    #[must_use]
    pub fn of(output: &std::process::Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            error: text(&output.stderr),
        }
    }

    /// Asserts the exit code, and returns the objects that were printed, one a line.
    #[track_caller]
    #[must_use]
    pub fn objects(&self, code: i32) -> Vec<Value> {
        assert_eq!(self.code, code, "{self:?}");
        let lines = self.out.lines();
        lines
            .map(|line| domain::read_json(line.as_bytes()).expect("a line of JSON"))
            .collect()
    }

    /// Asserts the exit code, and that standard error says this.
    #[track_caller]
    pub fn fails_with(&self, code: i32, words: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.error.contains(words), "{self:?}");
    }
}
