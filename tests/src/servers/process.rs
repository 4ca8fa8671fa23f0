//! What starting any server takes: finding its program, a free port, and waiting
//! until it answers. Used by the servers of this folder alone; it starts nothing.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::keeper::Keeper;

/// How long a server may take until it answers. Generous: machines are busy.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(20);

/// Why a server is not there.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServerError {
    #[error("{program} is not installed; `./test --install` installs it")]
    Missing { program: &'static str },
    #[error("the keeper of a test server could not be asked")]
    Keeper(#[source] std::io::Error),
    #[error("{what}; the server's last words:\n{log}")]
    Failed { what: String, log: String },
}

/// What a test does with a server that could not be had: it fails.
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

/// The first executable called `program`: in the folders given, then in `PATH`,
/// then where `./test` puts what no package of the system has.
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

/// The entries of a folder, the highest name first; none if it isn't there.
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

/// A port of 127.0.0.1 that is free now. It lies below the range from which the
/// kernel takes ports for outgoing connections, so that a server that is stopped
/// for a while finds its port free again; test processes begin in different
/// places.
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

/// A number that no other call in this process gets.
pub(super) fn unique_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Asks until the server answers or has ended. A port that is open is no answer.
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
