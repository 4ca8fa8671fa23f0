//! A queue as a program of its own, driven through its standard input and output: it makes its
//! schema and says so; told to go on, it enqueues all jobs; told again, it works on them until the
//! database knows that all are done. Each is one line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::options::Options;

/// A running queue. It ends when it is dropped.
pub struct Program {
    pub name: &'static str,
    pub pid: u32,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Program {
    /// Starts the queue of that name on a database; none if it isn't installed.
    pub async fn start(name: &str, url: &str, (options, claim): (&Options, usize)) -> Option<Self> {
        let (name, mut command) = match name {
            "dossier" => ("Dossier's ledger", ledger()?),
            "graphile-worker" => (
                "graphile-worker 0.18.0",
                node(include_str!("graphile-worker.mjs"))?,
            ),
            "pg-boss" => ("pg-boss 12.38.0", node(include_str!("pg-boss.mjs"))?),
            "pgqueuer" => ("PgQueuer 1.6.0", python(include_str!("pgqueuer.py"))?),
            _ => return None,
        };
        let mut process = command
            .env("QUEUE_URL", url)
            .env("QUEUE_JOBS", options.jobs.to_string())
            .env("QUEUE_BATCH", options.batch.to_string())
            .env("QUEUE_CLAIM", claim.to_string())
            .env("QUEUE_CLAIMERS", options.claimers.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .ok()?;
        let mut this = Self {
            name,
            pid: process.id()?,
            input: process.stdin.take()?,
            output: BufReader::new(process.stdout.take()?).lines(),
            _process: process,
        };
        this.expect_line("ready").await;
        Some(this)
    }

    /// Lets it enqueue all jobs.
    pub async fn enqueue(&mut self) {
        self.go_on("enqueued").await;
    }

    /// Lets it work on all jobs.
    pub async fn work(&mut self) {
        self.go_on("processed").await;
    }

    async fn go_on(&mut self, line: &str) {
        let sent = self.input.write_all(b"\n").await;
        sent.expect("a queue reads its input");
        self.expect_line(line).await;
    }

    async fn expect_line(&mut self, expected: &str) {
        let line = self.output.next_line().await;
        let line = line.expect("the output of a queue is text");
        assert_eq!(line.as_deref(), Some(expected), "{}", self.name);
    }
}

/// This program, in its other role.
fn ledger() -> Option<Command> {
    let mut command = Command::new(std::env::current_exe().ok()?);
    command.arg("ledger-queue");
    Some(command)
}

/// A script for Node.js, which finds the packages of `benches/install` in its working folder.
fn node(script: &str) -> Option<Command> {
    let packages = peers().join("node");
    if !packages.join("node_modules").is_dir() {
        return None;
    }
    let mut command = Command::new(tests::servers::node());
    command
        .args(["--input-type=module", "--eval", script])
        .current_dir(packages);
    Some(command)
}

/// A script for the Python environment of `benches/install`.
fn python(script: &str) -> Option<Command> {
    let python = peers().join("pgqueuer/bin/python");
    let mut command = Command::new(&python);
    command.args([OsString::from("-c"), script.into()]);
    python.is_file().then_some(command)
}

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/peers")
}
