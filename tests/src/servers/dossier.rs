//! A process of the service in any role, managed like the other servers: it ends with the test
//! process, and a test may kill it and start it again.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::poll::poll;

use super::keeper::{CommandLine, Keeper, Signal, Status};
use super::process::{
    ServerError, free_port, granted, is_root, memory_of, send_signal, wait_for_answer,
};

/// Settings of a process, by the names of their variables.
pub type Variables = Vec<(String, String)>;

/// One process of the service.
#[derive(Debug)]
pub struct Dossier {
    keeper: Keeper,
    command: CommandLine,
    role: String,
    variables: Variables,
    api: SocketAddr,
    ops: SocketAddr,
}

impl Dossier {
    /// Starts a role (`serve`, `ingress`, `worker`) on free ports and waits until it is ready.
    pub async fn start(role: &str, variables: &Variables) -> Self {
        Self::start_of(&program(), role, variables).await
    }

    /// The same of another release, by its binary.
    pub async fn start_of(program: &Path, role: &str, variables: &Variables) -> Self {
        granted(Self::begin(program, role, variables).await)
    }

    /// Runs a command such as `migrate` and asserts its success.
    pub async fn run(arguments: &[&str], variables: &Variables) {
        Self::run_of(&program(), arguments, variables).await;
    }

    /// The same of another release, by its binary.
    pub async fn run_of(program: &Path, arguments: &[&str], variables: &Variables) {
        let run = async || {
            let keeper = Keeper::new(Signal::Kill)?;
            keeper
                .run(&command_line(program, arguments, variables))
                .await
        };
        granted(run().await);
    }

    /// The address of the API; a worker doesn't serve it.
    #[must_use]
    pub fn api(&self) -> String {
        format!("http://{}", self.api)
    }

    /// The address that serves health checks and metrics.
    #[must_use]
    pub fn ops(&self) -> String {
        format!("http://{}", self.ops)
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.keeper.server().expect("it was started")
    }

    /// Whether the process is running.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.keeper.runs()
    }

    /// Sends SIGKILL: the process can't react.
    pub async fn kill(&self) {
        granted(self.keeper.finish(Signal::Kill).await);
    }

    /// Sends SIGTERM, waits until the process has ended, and asserts its success.
    pub async fn terminate(&self) {
        self.assert_well(&granted(self.keeper.finish(Signal::Terminate).await));
    }

    /// Waits until a process that is shutting down has ended, and asserts its success.
    pub async fn ended(&self) {
        self.assert_well(&granted(self.keeper.ended().await));
    }

    fn assert_well(&self, status: &Status) {
        assert!(status.is_success(), "{status:?}; its log:\n{}", self.log());
    }

    /// Sends SIGSTOP: the process is suspended.
    pub fn pause(&self) {
        send_signal(self.pid(), "STOP");
    }

    /// Sends SIGCONT: the process continues.
    pub fn resume(&self) {
        send_signal(self.pid(), "CONT");
    }

    /// Sends SIGTERM without waiting for the end (see `ended`). A second signal would abort the
    /// shutdown.
    pub fn ask_to_end(&self) {
        send_signal(self.pid(), "TERM");
    }

    /// Starts the process again with the same settings and ports, and waits until it is ready.
    pub async fn restart(&self) {
        granted(self.launch().await);
    }

    /// Starts the process again as another release, by its binary, and waits until it is ready.
    pub async fn restart_as(&self, program: &Path) {
        let command = command_line(program, &[&self.role], &self.variables);
        granted(self.keeper.start(&command).await);
        granted(self.answers().await);
    }

    /// Starts the process again with additional settings, and waits until it is ready.
    pub async fn restart_with(&self, further: &[(&str, &str)]) {
        self.begins_again_with(further).await;
        granted(self.answers().await);
    }

    /// Starts the process again with `allowed` open files as the soft limit and `most` as the hard
    /// one, and waits until it is ready.
    pub async fn restart_with_files(&self, allowed: usize, most: usize) {
        let command = CommandLine::new(Path::new("/usr/bin/env"))
            .words(["prlimit".to_owned(), format!("--nofile={allowed}:{most}")])
            .then(&self.command);
        granted(self.keeper.start(&command).await);
        granted(self.answers().await);
    }

    /// Starts the process again with another list of hosts (`/etc/hosts`), and waits until it is ready.
    pub async fn restart_with_hosts(&self, hosts: &Path) {
        let apart = if is_root() {
            "--mount"
        } else {
            "--map-root-user"
        };
        let script = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
        let command = CommandLine::new(Path::new("/usr/bin/env"))
            .words(["unshare", apart, "--mount", "sh", "-c", script])
            .word(hosts)
            .then(&self.command);
        granted(self.keeper.start(&command).await);
        granted(self.answers().await);
    }

    /// Starts the process again with additional settings. It may end before it is ready.
    pub async fn begins_again_with(&self, further: &[(&str, &str)]) {
        let further = further.iter();
        let further = further.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        // The last of a name counts.
        let variables: Vec<_> = self.variables.iter().cloned().chain(further).collect();
        let command = command_line(&program(), &[&self.role], &variables);
        granted(self.keeper.start(&command).await);
    }

    /// Waits until the process has aborted by itself.
    pub async fn aborted(&self, patience: Duration) {
        poll(patience, async || {
            if self.runs() {
                Err(format!("it goes on; its log:\n{}", self.log()))
            } else {
                Ok(())
            }
        })
        .await;
        let status = granted(self.keeper.ended().await);
        assert!(status.is_abort(), "{status:?}; its log:\n{}", self.log());
    }

    /// The resident memory of the process in bytes, now and at its peak.
    #[must_use]
    pub fn resident_memory(&self) -> (u64, u64) {
        memory_of(&self.pid().to_string())
    }

    /// The number of open file descriptors of the process.
    #[must_use]
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).map_or(0, Iterator::count)
    }

    /// The number of files and folders in its working directory, which is its temporary folder, too.
    #[must_use]
    pub fn temporary_files(&self) -> usize {
        std::fs::read_dir(self.keeper.home()).map_or(0, Iterator::count)
    }

    /// The log of the process.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.keeper.home().join("log")).unwrap_or_default()
    }

    async fn begin(program: &Path, role: &str, variables: &Variables) -> Result<Self, ServerError> {
        let keeper = Keeper::new(Signal::Kill)?;
        let [api, ops] =
            [free_port(), free_port()].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let mut variables = variables.clone();
        variables.push(("DOSSIER_LISTEN".to_owned(), api.to_string()));
        variables.push(("DOSSIER_OPS_LISTEN".to_owned(), ops.to_string()));
        let this = Self {
            keeper,
            command: command_line(program, &[role], &variables),
            role: role.to_owned(),
            variables,
            api,
            ops,
        };
        this.launch().await?;
        Ok(this)
    }

    async fn launch(&self) -> Result<(), ServerError> {
        self.keeper.start(&self.command).await?;
        self.answers().await
    }

    async fn answers(&self) -> Result<(), ServerError> {
        let client = reqwest::Client::new();
        let ready = format!("{}/health/ready", self.ops());
        wait_for_answer(&self.keeper, async || {
            client
                .get(&ready)
                .send()
                .await?
                .error_for_status()
                .map(drop)
        })
        .await
    }
}

fn command_line(program: &Path, arguments: &[&str], variables: &Variables) -> CommandLine {
    assert!(
        program.is_file(),
        "{} is missing: run `cargo build --workspace` first",
        program.display()
    );
    let variables = variables
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    CommandLine::new(Path::new("/usr/bin/env"))
        .words(variables)
        .word(program)
        .words(arguments)
}

/// The binary of the same build as this test.
#[must_use]
pub fn program() -> PathBuf {
    program_named("dossier")
}

/// A binary of the same build as this test.
#[must_use]
pub fn program_named(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("a process knows its file");
    let folder = this.parent().expect("a file lies in a folder");
    // Tests lie in target/<profile>/deps, other programs beside the binary.
    let folder = if folder.ends_with("deps") {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    };
    folder.join(name)
}
