//! Finds the program of a server and a free port, and waits until the server answers. Used by the
//! servers of this folder; starts nothing itself.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::keeper::Keeper;

/// How long a server may take to answer. Generous, since machines are busy.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(20);

/// Why a server is not available.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServerError {
    #[error("{program} is not installed; `./test --install` installs it")]
    Missing { program: &'static str },
    #[error("the keeper of a test server could not be asked")]
    Keeper(#[source] std::io::Error),
    #[error("{what}; the server's last words:\n{log}")]
    Failed { what: String, log: String },
}

/// Fails the test if the server is not available.
#[track_caller]
#[expect(clippy::panic, reason = "a test without its server has failed")]
pub(super) fn granted<T>(result: Result<T, ServerError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            panic!("{error} {}", cause.unwrap_or_default())
        }
    }
}

/// The first executable called `program`: in the given folders, then in `PATH`, then where `./test`
/// installs tools that aren't system packages.
pub(super) fn find_program(
    program: &'static str,
    folders: &[PathBuf],
) -> Result<PathBuf, ServerError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders
        .iter()
        .cloned()
        .chain(std::env::split_paths(&path))
        .chain(tool_folders())
        .map(|folder| folder.join(program))
        .find(|file| is_executable(file))
        .ok_or(ServerError::Missing { program })
}

fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o111 != 0)
}

/// `target/tools/<tool>/bin` of this repository.
fn tool_folders() -> Vec<PathBuf> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools");
    sorted_folders(&tools)
        .into_iter()
        .map(|tool| tool.join("bin"))
        .collect()
}

/// The entries of a folder, in descending order of names; none if it doesn't exist.
pub(super) fn sorted_folders(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    entries.sort();
    entries.reverse();
    entries
}

/// Whether this process runs as root, as it does in many containers.
pub(super) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// A free port of 127.0.0.1. It is below the range from which the kernel takes ports for outgoing
/// connections, so that a server that was stopped for a while finds its port free again; test
/// processes begin at different ports.
pub(super) fn free_port() -> u16 {
    const FIRST: u16 = 10_000;
    const COUNT: u16 = 22_000;
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
        let place = std::process::id().wrapping_mul(1_597) % u32::from(COUNT);
        AtomicU16::new(u16::try_from(place).expect("below a u16"))
    });
    loop {
        let port = FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Sends a signal to a process that a test has started.
pub(super) fn send_signal(process: u32, signal: &str) {
    let status = std::process::Command::new("kill")
        .args(["-s", signal, &process.to_string()])
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "SIG{signal} could not be sent to {process}"
    );
}

/// The resident memory of a process (its number, or `self`) in bytes, now and at its peak.
#[must_use]
pub fn memory_of(process: &str) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kibibytes = line.and_then(|rest| rest.split_whitespace().next());
        kibibytes
            .and_then(|number| number.parse::<u64>().ok())
            .unwrap_or(0)
            * 1024
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// A number that is unique in this process.
pub(super) fn unique_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Polls until the server answers or has ended. An open port is no answer.
pub(super) async fn wait_for_answer<E: std::fmt::Display>(
    keeper: &Keeper,
    mut ask: impl AsyncFnMut() -> Result<(), E>,
) -> Result<(), ServerError> {
    let begin = Instant::now();
    loop {
        let refusal = match tokio::time::timeout(Duration::from_secs(5), ask()).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer within five seconds".to_owned(),
        };
        if !keeper.runs() {
            return Err(keeper.failed("a test server ended before it answered".to_owned()));
        }
        if begin.elapsed() > PATIENCE {
            return Err(keeper.failed(format!("a test server doesn't answer ({refusal})")));
        }
        tokio::time::sleep(PAUSE).await;
    }
}
