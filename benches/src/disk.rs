//! The disk alone: `dd` with a sync at the end, and `cat`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Returns MB/s of `dd` writing so many MiB into `folder` and syncing them, and of `cat` reading
/// them.
pub fn rates(folder: &Path, mebibytes: usize) -> (f64, f64) {
    let file = folder.join("dd.bin");
    let megabytes = (mebibytes << 20) as f64 / 1e6;
    let source = folder.join("source.bin");
    let bytes = tests::content::pseudo_random(3, 1 << 20).repeat(mebibytes);
    std::fs::write(&source, bytes).expect("the disk takes the source");
    let writing = timed(
        Command::new("dd")
            .arg(format!("if={}", source.display()))
            .arg(format!("of={}", file.display()))
            .args(["bs=1M", "conv=fsync"]),
    );
    let reading = timed(Command::new("cat").arg(&file));
    (megabytes / writing, megabytes / reading)
}

fn timed(command: &mut Command) -> f64 {
    let begin = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "{command:?}");
    begin.elapsed().as_secs_f64()
}
