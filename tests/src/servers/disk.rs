//! A small private disk, which can be full: a tmpfs, which requires root. A shell keeps it mounted
//! and unmounts it when its input ends: so it disappears with the test process, however that ends.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::{Instant, sleep};

use super::process::is_root;

/// Enough for any test. A tmpfs uses only as much memory as its files.
const ROOM: u64 = 1 << 30;
/// A disk that isn't full by then never will be.
const PATIENCE: Duration = Duration::from_mins(1);
/// The interval at which space freed by others is filled again.
const OFTEN: Duration = Duration::from_millis(20);

/// A disk that is mounted on a folder until it is dropped.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    holder: Child,
}

impl Disk {
    /// Creates a folder and mounts an empty disk on it.
    ///
    /// # Panics
    /// If that isn't permitted: there is no other way to get a full disk.
    #[must_use]
    pub fn on(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("a folder of the test's own can be made");
        let script = "trap '' INT TERM HUP; \
             mount -t tmpfs -o \"size=$2,mode=700\" dossier-test \"$1\" && echo mounted && \
             { cat >/dev/null; umount -l \"$1\"; }";
        let mut holder = as_root("sh")
            .into_std()
            .args(["-c", script, "sh"])
            .arg(folder)
            .arg(ROOM.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell can be started");
        let output = holder.stdout.take().expect("it is piped");
        let word = BufReader::new(output).lines().next();
        let folder = folder.to_owned();
        assert_eq!(
            word.and_then(Result::ok).as_deref(),
            Some("mounted"),
            "a full disk is a tmpfs, which needs root and leave to mount on {}",
            folder.display()
        );
        println!("full disk: a tmpfs on {}", folder.display());
        Self { folder, holder }
    }

    /// Keeps the disk full for `time`, whatever is removed meanwhile; then restores its size.
    pub async fn is_full_for(&self, time: Duration) {
        let begin = Instant::now();
        let mut was_full = false;
        while begin.elapsed() < time || !was_full {
            assert!(
                begin.elapsed() < PATIENCE,
                "{} was never full",
                self.folder.display()
            );
            was_full |= self.shrink().await;
            // Space that is freed meanwhile is taken again, until the time has passed.
            sleep(OFTEN).await;
        }
        self.give_room().await;
    }

    /// Shrinks the disk to the size of its files, and returns whether it had that size already.
    /// Concurrent writers may change it meanwhile.
    async fn shrink(&self) -> bool {
        let (used, left) = self.use_and_rest().await;
        if left > 0 {
            // Usage may have grown since; and a size of zero would mean no limit.
            self.resize(used.max(4096)).await;
        }
        left == 0
    }

    /// Restores its size.
    pub async fn give_room(&self) {
        assert!(self.resize(ROOM).await, "a disk can grow");
    }

    async fn resize(&self, size: u64) -> bool {
        let status = as_root("mount")
            .args(["-o", &format!("remount,size={size}")])
            .arg(&self.folder)
            .stderr(Stdio::null())
            .status()
            .await;
        status.expect("mount can be run").success()
    }

    /// The used bytes and the free bytes.
    async fn use_and_rest(&self) -> (u64, u64) {
        let output = Command::new("df")
            .args(["-B1", "--output=used,avail"])
            .arg(&self.folder)
            .output()
            .await
            .expect("df can be run");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().nth(1).unwrap_or_default();
        let mut numbers = line.split_whitespace().map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(used)), Some(Ok(left))) => (used, left),
            _ => panic!("df said {text:?}"),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        // The shell ends by itself immediately; then the folder can be removed.
        if let Err(error) = self.holder.wait() {
            println!("a disk may still be mounted: {error}");
        }
    }
}

fn as_root(program: &str) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}
