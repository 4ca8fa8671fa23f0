//! Syncs that concurrent writers share: where several small files are written at the same moment,
//! one sync of their file system (`syncfs(2)`) costs the disk less than a sync of each.
//!
//! It waits for whatever else is dirty on that file system. Growing files are therefore synced on
//! their way, so that large uploads don't hold up the small ones beside them for long.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// From so many writers on, one sync for all is the cheaper one.
const WORTHWHILE: usize = 4;

/// A shared sync begins when nobody has asked for it for so long…
pub(super) const QUIET: Duration = Duration::from_micros(500);

/// …and after this time at the latest.
pub(super) const GATHERING: Duration = Duration::from_millis(4);

/// A sync that concurrent callers share.
#[derive(Debug, Default)]
pub(super) struct Coalesced {
    /// How many have asked for it so far.
    asked: AtomicU64,
    state: Mutex<Syncing>,
    /// Wakes all who wait when a sync has ended: they go on side by side, and ask for the next one
    /// together.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Syncing {
    /// How many had asked before the last finished sync began.
    served: u64,
    /// Whether a sync is running.
    is_running: bool,
}

/// Ends a sync, also one that panics.
struct Running<'a> {
    coalesced: &'a Coalesced,
    served: u64,
}

impl Coalesced {
    /// Runs `sync`, or waits for one by another caller that begins after this call.
    pub(super) fn run(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        self.run_after(|| {}, sync)
    }

    /// The same once `gathered` returns: who asks until then shares it.
    fn run_after(
        &self,
        gathered: impl FnOnce(),
        sync: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        let ticket = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut state = self.state();
        loop {
            if state.served >= ticket {
                return Ok(());
            }
            if !state.is_running {
                break;
            }
            let woken = self.ended.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        state.is_running = true;
        let mut running = Running {
            coalesced: self,
            served: state.served,
        };
        drop(state);
        gathered();
        let asked = self.asked.load(Ordering::SeqCst);
        sync()?;
        running.served = asked;
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, Syncing> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.coalesced.state();
        state.is_running = false;
        state.served = self.served;
        drop(state);
        self.coalesced.ended.notify_all();
    }
}

/// How much of one growing file stays unsynced, and of all of them together, in bytes. A sync of
/// their file system waits for no more.
const UNSYNCED: (usize, usize) = (16 << 20, 64 << 20);

/// The file system of a place: what is written to it at present, and the sync of all of it.
#[derive(Debug)]
pub(super) struct FileSystem {
    /// Kept open, since a sync reports the errors that came after it was opened. `None` where a
    /// sync of the file system isn't known to do for each file what a sync of the file does.
    root: Option<File>,
    writers: AtomicUsize,
    /// Bytes of growing files that are not synced yet.
    unsynced: AtomicUsize,
    /// How many syncs have failed: which files are to blame only their own syncs tell.
    failures: AtomicU64,
    sync: Coalesced,
}

/// Counts a file that is about to be made durable; dropping it ends that.
#[derive(Debug)]
pub(super) struct Writer<'a>(&'a FileSystem);

/// What a growing file has not synced yet; dropping it forgets that.
#[derive(Debug)]
pub(super) struct Unsynced {
    file_system: Arc<FileSystem>,
    bytes: usize,
    /// The failed syncs before the file was created.
    failures: u64,
}

impl FileSystem {
    /// The file system of the folder `root`.
    pub(super) fn around(root: &Path) -> Self {
        Self {
            root: File::open(root).ok().filter(syncs_as_a_whole),
            writers: AtomicUsize::new(0),
            unsynced: AtomicUsize::new(0),
            failures: AtomicU64::new(0),
            sync: Coalesced::default(),
        }
    }

    /// Counts a writer.
    pub(super) fn begin(&self) -> Writer<'_> {
        self.writers.fetch_add(1, Ordering::Relaxed);
        Writer(self)
    }

    /// Waits for others who are about to ask for a sync: their documents were claimed together, and
    /// reach the disk one after another as the processors allow.
    fn gather(&self) {
        let begin = Instant::now();
        let mut asked = self.sync.asked.load(Ordering::SeqCst);
        while begin.elapsed() < GATHERING {
            std::thread::park_timeout(QUIET);
            let now = self.sync.asked.load(Ordering::SeqCst);
            if now == asked {
                return;
            }
            asked = now;
        }
    }

    /// Makes everything durable that was written before this call. Sharing is worth it, and safe,
    /// as long as [`Unsynced::may_share`] says so before and after.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.sync_after(|| self.gather())
    }

    /// The same without waiting for others: they have gathered already.
    pub(super) fn sync_now(&self) -> io::Result<()> {
        self.sync_after(|| {})
    }

    fn sync_after(&self, gathered: impl FnOnce()) -> io::Result<()> {
        let Some(root) = &self.root else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        self.sync.run_after(gathered, || {
            let synced = sync_file_system(root);
            if synced.is_err() {
                // Before the next one begins, which would find nothing wrong any more.
                self.failures.fetch_add(1, Ordering::SeqCst);
            }
            synced
        })
    }
}

impl Unsynced {
    /// For a file that is created now.
    pub(super) fn of(file_system: &Arc<FileSystem>) -> Self {
        Self {
            failures: file_system.failures.load(Ordering::SeqCst),
            file_system: Arc::clone(file_system),
            bytes: 0,
        }
    }

    /// Counts written bytes, and returns whether the file should be synced now.
    pub(super) fn add(&mut self, bytes: usize) -> bool {
        self.bytes += bytes;
        let all = self
            .file_system
            .unsynced
            .fetch_add(bytes, Ordering::Relaxed)
            + bytes;
        self.bytes >= UNSYNCED.0 || all >= UNSYNCED.1
    }

    /// The file was synced.
    pub(super) fn clear(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.file_system
            .unsynced
            .fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether syncs of the whole file system are as good as the file's own: none has failed since
    /// the file was created.
    pub(super) fn may_share(&self) -> bool {
        let failures = self.file_system.failures.load(Ordering::SeqCst);
        self.file_system.root.is_some() && failures == self.failures
    }
}

impl Drop for Unsynced {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Writer<'_> {
    /// Whether enough are writing for a sync of the file system to be the cheaper one.
    pub(super) fn is_one_of_many(&self) -> bool {
        self.0.writers.load(Ordering::Relaxed) >= WORTHWHILE
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        self.0.writers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether the file system is one whose `syncfs(2)` writes contents, names and barriers, and reports
/// errors. Others, such as most FUSE mounts, may not even be told of the call.
#[cfg(target_os = "linux")]
fn syncs_as_a_whole(root: &File) -> bool {
    /// ext4, XFS, Btrfs, tmpfs: statfs(2).
    const KNOWN: [i64; 4] = [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994];
    rustix::fs::fstatfs(root).is_ok_and(|stat| KNOWN.contains(&stat.f_type))
}

#[cfg(not(target_os = "linux"))]
fn syncs_as_a_whole(_: &File) -> bool {
    false
}

#[cfg(target_os = "linux")]
fn sync_file_system(root: &File) -> io::Result<()> {
    Ok(rustix::fs::syncfs(root)?)
}

#[cfg(not(target_os = "linux"))]
fn sync_file_system(_: &File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_serves_all_who_asked_before_it_began() {
        let (sync, runs) = (Coalesced::default(), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let (sync, runs) = (&sync, &runs);
            let first = scope.spawn(move || {
                sync.run(|| {
                    // The others ask while this one runs: they need another one, and share it.
                    while sync.asked.load(Ordering::SeqCst) < 9 {
                        std::thread::yield_now();
                    }
                    runs.fetch_add(1, Ordering::SeqCst);
                    Ok(())
                })
            });
            while !sync.state().is_running {
                std::thread::yield_now();
            }
            let others: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(move || {
                        sync.run(|| {
                            runs.fetch_add(1, Ordering::SeqCst);
                            Ok(())
                        })
                    })
                })
                .collect();
            first.join().unwrap().unwrap();
            for other in others {
                other.join().unwrap().unwrap();
            }
        });
        assert_eq!(runs.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn who_was_served_together_asks_again_together() {
        let (sync, runs) = (Coalesced::default(), AtomicUsize::new(0));
        let begin = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    begin.wait();
                    // A second round must not be run for one of them while the others of the first
                    // one are still on their way.
                    for round in 1..=2 {
                        let all = || {
                            while sync.asked.load(Ordering::SeqCst) < 8 * round {
                                std::thread::yield_now();
                            }
                        };
                        let count = || {
                            runs.fetch_add(1, Ordering::SeqCst);
                            Ok(())
                        };
                        sync.run_after(all, count).unwrap();
                    }
                });
            }
        });
        assert_eq!(runs.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_sync_that_fails_serves_nobody() {
        let sync = Coalesced::default();
        sync.run(|| Err(io::ErrorKind::StorageFull.into()))
            .unwrap_err();
        let mut ran = false;
        sync.run(|| {
            ran = true;
            Ok(())
        })
        .unwrap();
        assert!(ran);
    }

    #[test]
    fn few_writers_sync_for_themselves() {
        let folder = tempfile::tempdir().unwrap();
        let file_system = FileSystem::around(folder.path());
        let mut writers: Vec<_> = (1..WORTHWHILE).map(|_| file_system.begin()).collect();
        assert!(!writers[0].is_one_of_many());
        writers.push(file_system.begin());
        assert!(writers[0].is_one_of_many());
        drop(writers);
        assert!(!file_system.begin().is_one_of_many());
    }

    #[test]
    fn files_that_were_there_when_a_sync_failed_sync_for_themselves() {
        let folder = tempfile::tempdir().unwrap();
        let file_system = Arc::new(FileSystem::around(folder.path()));
        let before = Unsynced::of(&file_system);
        let shares = file_system.root.is_some();
        assert_eq!(before.may_share(), shares);
        file_system.failures.fetch_add(1, Ordering::SeqCst);
        assert!(!before.may_share());
        assert_eq!(Unsynced::of(&file_system).may_share(), shares);
    }

    #[test]
    fn growing_files_are_synced_on_their_way() {
        let folder = tempfile::tempdir().unwrap();
        let file_system = Arc::new(FileSystem::around(folder.path()));
        let mut one = Unsynced::of(&file_system);
        assert!(!one.add(UNSYNCED.0 - 1));
        assert!(one.add(1));
        one.clear();
        let mut many: Vec<_> = (0..4).map(|_| Unsynced::of(&file_system)).collect();
        let due: Vec<_> = many
            .iter_mut()
            .map(|file| file.add(UNSYNCED.0 - 1))
            .collect();
        assert_eq!(due, [false; 4]);
        assert!(one.add(4), "all of them together are too much");
        drop((one, many));
        assert_eq!(file_system.unsynced.load(Ordering::Relaxed), 0);
    }
}
