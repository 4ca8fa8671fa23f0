//! The keeper of one server: a small shell process that starts the server on order, stops it and
//! removes its folder when the test process has ended. The other servers of this module are built
//! on it. It knows no protocol.
//!
//! Why a process: statics are not dropped, a panic or a SIGKILL runs no code of
//! ours, and Linux's parent-death signal watches the *thread* that started the
//! child, which for a test ends with the test. A pipe that closes is certain.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use super::process::ServerError;

const SCRIPT: &str = include_str!("keeper.sh");

/// A signal that ends a server.
#[derive(Clone, Copy, Debug)]
pub(super) enum Signal {
    /// Immediate: a crash.
    Kill,
    /// PostgreSQL's "fast" shutdown: disconnects clients and closes the data.
    Interrupt,
    /// The service's graceful shutdown: it finishes running work.
    Terminate,
    /// PostgreSQL's "immediate" shutdown: ends all processes without closing the data.
    Quit,
}

impl Signal {
    const fn name(self) -> &'static str {
        match self {
            Self::Kill => "KILL",
            Self::Interrupt => "INT",
            Self::Terminate => "TERM",
            Self::Quit => "QUIT",
        }
    }
}

/// The exit status of a server, as reported by the shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Status(String);

impl Status {
    /// Whether it exited by itself with success.
    pub(super) fn is_success(&self) -> bool {
        self.0 == "0"
    }

    /// Whether it ended by SIGABRT.
    pub(super) fn is_abort(&self) -> bool {
        self.0 == "134"
    }
}

/// A command line, quoted for the keeper's shell.
#[derive(Clone, Debug, Default)]
pub(super) struct CommandLine(String);

impl CommandLine {
    pub(super) fn new(program: &Path) -> Self {
        Self::default().word(program)
    }

    pub(super) fn word(mut self, word: impl AsRef<OsStr>) -> Self {
        let word = word.as_ref().to_string_lossy().replace('\'', r"'\''");
        self.0.push_str(" '");
        self.0.push_str(&word);
        self.0.push('\'');
        self
    }

    pub(super) fn words<I: IntoIterator<Item: AsRef<OsStr>>>(self, words: I) -> Self {
        words.into_iter().fold(self, Self::word)
    }

    /// `self` in front, then the words of `other`.
    pub(super) fn then(mut self, other: &Self) -> Self {
        self.0.push_str(&other.0);
        self
    }
}

/// A keeper and the home folder of its server.
#[derive(Debug)]
pub(super) struct Keeper {
    home: PathBuf,
    shell: Arc<Mutex<Shell>>,
}

#[derive(Debug)]
struct Shell {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    server: Option<u32>,
}

impl Keeper {
    /// Creates an empty folder with a keeper, which stops its server by `ending`.
    pub(super) fn new(ending: Signal) -> Result<Self, ServerError> {
        let mut process = Command::new("sh")
            .args(["-c", SCRIPT, "keeper", ending.name()])
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // The keeper must not inherit our output: readers of it would wait for the keeper.
            .stderr(Stdio::null())
            // Ctrl-C ends the tests; the keeper notices by the pipe.
            .process_group(0)
            .spawn()
            .map_err(ServerError::Keeper)?;
        let orders = process.stdin.take();
        let answers = process.stdout.take().expect("the output was piped above");
        let mut shell = Shell {
            process,
            orders,
            answers: BufReader::new(answers),
            server: None,
        };
        let home = PathBuf::from(shell.answer()?);
        Ok(Self {
            home,
            shell: Arc::new(Mutex::new(shell)),
        })
    }

    /// The folder that is removed when the test process has ended; the working directory, `HOME`
    /// and `TMPDIR` of commands that run in it.
    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// Runs `command` and asserts its success.
    pub(super) async fn run(&self, command: &CommandLine) -> Result<(), ServerError> {
        let status = self.order(format!("run{}", command.0)).await?;
        if status == "0" {
            Ok(())
        } else {
            Err(self.failed(format!("a command ended with status {status}")))
        }
    }

    /// Starts the server, without waiting until it answers.
    pub(super) async fn start(&self, command: &CommandLine) -> Result<(), ServerError> {
        let server = self.order(format!("start{}", command.0)).await?;
        let server = server
            .parse()
            .map_err(|_| self.failed(format!("{server:?} is no process id")))?;
        self.lock().server = Some(server);
        Ok(())
    }

    /// Stops the server, waits for it, and returns its status. Keeps its folder.
    pub(super) async fn finish(&self, signal: Signal) -> Result<Status, ServerError> {
        let status = self.order(format!("finish {}", signal.name())).await?;
        self.lock().server = None;
        Ok(Status(status))
    }

    /// Waits until the server has ended by itself, and returns its status. Keeps its folder.
    pub(super) async fn ended(&self) -> Result<Status, ServerError> {
        // Signal 0 only checks whether the process exists.
        let status = self.order("finish 0".to_owned()).await?;
        self.lock().server = None;
        Ok(Status(status))
    }

    /// Orders the keeper to remove `pattern` at the end, in addition to the folder.
    pub(super) async fn remove_in_the_end(&self, pattern: &str) -> Result<(), ServerError> {
        self.order(format!("litter=\"$litter {pattern}\"; echo 0"))
            .await?;
        Ok(())
    }

    /// The process id of the running server, if any.
    pub(super) fn server(&self) -> Option<u32> {
        self.lock().server
    }

    /// Whether the server is running. A dead one that its parent, the keeper, hasn't reaped yet
    /// counts as dead.
    pub(super) fn runs(&self) -> bool {
        self.server().is_some_and(|server| {
            std::fs::read_to_string(format!("/proc/{server}/stat")).is_ok_and(|stat| {
                // "pid (name) state …": the name may hold anything.
                stat.rsplit_once(") ")
                    .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
            })
        })
    }

    /// An error with the last lines of the server's log.
    pub(super) fn failed(&self, what: String) -> ServerError {
        ServerError::Failed {
            what,
            log: self.log_tail(),
        }
    }

    fn log_tail(&self) -> String {
        const TAIL: u64 = 4096;
        let read = || {
            let mut file = std::fs::File::open(self.home.join("log"))?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
            let mut tail = Vec::new();
            file.read_to_end(&mut tail)?;
            std::io::Result::Ok(tail)
        };
        String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
    }

    async fn order(&self, order: String) -> Result<String, ServerError> {
        let shell = Arc::clone(&self.shell);
        tokio::task::spawn_blocking(move || lock(&shell).order(&order))
            .await
            .map_err(|ended| ServerError::Keeper(std::io::Error::other(ended)))?
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shell> {
        lock(&self.shell)
    }
}

fn lock(shell: &Mutex<Shell>) -> std::sync::MutexGuard<'_, Shell> {
    shell.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shell {
    fn order(&mut self, order: &str) -> Result<String, ServerError> {
        let orders = self.orders.as_mut().expect("closed on drop alone");
        writeln!(orders, "{order}").map_err(ServerError::Keeper)?;
        self.answer()
    }

    fn answer(&mut self) -> Result<String, ServerError> {
        let mut answer = String::new();
        let length = self
            .answers
            .read_line(&mut answer)
            .map_err(ServerError::Keeper)?;
        if length == 0 {
            return Err(ServerError::Keeper(
                std::io::ErrorKind::UnexpectedEof.into(),
            ));
        }
        Ok(answer.trim_end().to_owned())
    }
}

impl Drop for Shell {
    /// A private server is gone when its owner is.
    fn drop(&mut self) {
        drop(self.orders.take());
        // Nobody would see an error; at worst the folder remains in /tmp.
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::{Postgres, Redis, S3};
    use super::*;

    /// How the child process below ends; if unset, that test does nothing.
    const END: &str = "TESTS_SERVERS_END";

    /// Not a test by itself: the child process of the tests below.
    #[tokio::test]
    async fn child_process_with_all_servers() {
        let Ok(end) = std::env::var(END) else { return };
        let (postgres, redis, s3) = tokio::join!(Postgres::shared(), Redis::shared(), S3::shared());
        for keeper in [postgres.keeper(), redis.keeper(), s3.keeper()] {
            println!(
                "\nserver {} {}",
                keeper.server().unwrap(),
                keeper.home().display()
            );
        }
        println!("\nstarted");
        match end.as_str() {
            "panic" => panic!("as told"),
            "kill" => std::future::pending().await,
            _ => {}
        }
    }

    #[tokio::test]
    async fn nothing_is_left_when_the_process_ends() {
        the_process_leaves_nothing("return").await;
    }

    #[tokio::test]
    async fn nothing_is_left_when_the_process_panics() {
        the_process_leaves_nothing("panic").await;
    }

    #[tokio::test]
    async fn nothing_is_left_when_the_process_is_killed() {
        the_process_leaves_nothing("kill").await;
    }

    async fn the_process_leaves_nothing(end: &'static str) {
        tokio::task::spawn_blocking(move || {
            let mut process = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "--nocapture"])
                .arg("servers::keeper::tests::child_process_with_all_servers")
                .env(END, end)
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let said: Vec<String> = BufReader::new(process.stdout.take().unwrap())
                .lines()
                .map(Result::unwrap)
                .take_while(|line| line != "started")
                .collect();
            let servers: Vec<(&str, &str)> = said
                .iter()
                .filter_map(|line| line.strip_prefix("server ")?.split_once(' '))
                .collect();
            assert_eq!(servers.len(), 3, "{said:?}");
            if end == "kill" {
                process.kill().unwrap();
            }
            process.wait().unwrap();
            let begin = Instant::now();
            let left = || {
                // PostgreSQL's own children are found only by the name of the folder.
                let commands = all_command_lines();
                servers.iter().find(|(server, home)| {
                    Path::new("/proc").join(server).exists()
                        || Path::new(home).exists()
                        || commands.contains(home)
                })
            };
            while let Some(server) = left() {
                assert!(begin.elapsed() < Duration::from_secs(20), "{server:?}");
                std::thread::park_timeout(Duration::from_millis(20));
            }
        })
        .await
        .unwrap();
    }

    fn all_command_lines() -> String {
        std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| {
                let file = entry.ok()?.path().join("cmdline");
                Some(String::from_utf8_lossy(&std::fs::read(file).ok()?).into_owned())
            })
            .collect()
    }
}
