//! Watches free space on local disks. Below a floor uploads are refused, so that accepted documents
//! can still be processed, read and deleted. Polls once a second; object stores report by
//! themselves when they are full.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tracing::{error, info, warn};

use beat::ticks;
use domain::ByteSize;

/// The poll interval.
const LOOK: Duration = Duration::from_secs(1);

/// The default floor: this many bytes, or this share of a small disk.
const LEAST: u64 = 1 << 30;
const LEAST_SHARE: u64 = 20;

/// The share of a disk's inodes to keep free.
const FILES_SHARE: u64 = 100;

/// A folder whose disk is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedFolder {
    /// Its label in the metrics.
    pub place: &'static str,
    /// The folder.
    pub path: PathBuf,
}

/// A reading of the disks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskReading {
    /// The free bytes on the disk of each folder.
    Free {
        /// The folder's label.
        place: &'static str,
        /// The bytes.
        bytes: u64,
    },
    /// Whether any disk is below its floor.
    Low(bool),
}

/// Whether uploads have space; clones share the state.
#[derive(Clone)]
pub struct FreeSpace(Arc<State>);

struct State {
    folders: Vec<WatchedFolder>,
    floor: Option<ByteSize>,
    is_low: AtomicBool,
}

/// The space of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Disk {
    free: u64,
    size: u64,
    free_files: u64,
    files: u64,
}

impl Disk {
    fn of(folder: &WatchedFolder) -> io::Result<Self> {
        let disk = rustix::fs::statvfs(&folder.path)?;
        Ok(Self {
            free: disk.f_bavail.saturating_mul(disk.f_frsize),
            size: disk.f_blocks.saturating_mul(disk.f_frsize),
            free_files: disk.f_favail,
            files: disk.f_files,
        })
    }

    /// Returns whether it is below `floor`. Not every file system counts inodes.
    fn is_low(&self, floor: Option<ByteSize>) -> bool {
        let floor = floor.map_or_else(|| LEAST.min(self.size / LEAST_SHARE), ByteSize::bytes);
        floor > 0 && (self.free < floor || self.free_files < self.files / FILES_SHARE)
    }
}

impl FreeSpace {
    /// Creates a watch of the disks of `folders` that keeps `floor` bytes free on each: 0 disables
    /// it, `None` is 1 GiB or a twentieth of a smaller disk.
    #[must_use]
    pub fn of(folders: Vec<WatchedFolder>, floor: Option<ByteSize>) -> Self {
        let this = Self(Arc::new(State {
            folders,
            floor,
            is_low: AtomicBool::new(false),
        }));
        this.look(|_| {});
        this
    }

    /// Returns whether uploads must be refused.
    #[must_use]
    pub fn is_low(&self) -> bool {
        self.0.is_low.load(Ordering::Relaxed)
    }

    /// Polls forever, and passes each reading to `seen`.
    pub async fn watch(self, seen: impl Fn(DiskReading) + Clone + Send + 'static) {
        let mut ticks = ticks(LOOK);
        loop {
            ticks.tick().await;
            let (this, seen) = (self.clone(), seen.clone());
            // A network disk may be slow.
            let looked = tokio::task::spawn_blocking(move || this.look(seen)).await;
            if let Err(panicked) = looked {
                error!(
                    error = &panicked as &dyn std::error::Error,
                    "failed to read the free space of disks"
                );
            }
        }
    }

    fn look(&self, seen: impl Fn(DiskReading)) {
        let mut is_low = false;
        for folder in &self.0.folders {
            match Disk::of(folder) {
                Ok(disk) => {
                    is_low |= disk.is_low(self.0.floor);
                    seen(DiskReading::Free {
                        place: folder.place,
                        bytes: disk.free,
                    });
                }
                // Reads and writes there report the error.
                Err(error) => tracing::debug!(
                    folder = %folder.path.display(),
                    error = &error as &dyn std::error::Error,
                    "failed to read the free space of a disk"
                ),
            }
        }
        seen(DiskReading::Low(is_low));
        match (self.0.is_low.swap(is_low, Ordering::Relaxed), is_low) {
            (false, true) => warn!("a disk is below its free-space floor; refusing uploads"),
            (true, false) => info!("free space is sufficient again; accepting uploads"),
            _ => {}
        }
    }
}

/// Watches no disk: space is never low.
impl Default for FreeSpace {
    fn default() -> Self {
        Self::of(Vec::new(), None)
    }
}

impl fmt::Debug for FreeSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FreeSpace")
            .field("folders", &self.0.folders)
            .field("is_low", &self.is_low())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn disk(free: u64, size: u64) -> Disk {
        Disk {
            free,
            size,
            free_files: 0,
            files: 0,
        }
    }

    #[test]
    fn without_a_setting_the_floor_is_a_gibibyte_or_a_twentieth_of_a_small_disk() {
        assert!(disk(GIB - 1, 100 * GIB).is_low(None));
        assert!(!disk(GIB, 100 * GIB).is_low(None));
        assert!(!disk(GIB / 20, GIB).is_low(None));
        assert!(disk(GIB / 20 - 1, GIB).is_low(None));
    }

    #[test]
    fn the_floor_is_as_the_operator_says_and_zero_is_none() {
        assert!(disk(2 * GIB, GIB).is_low(Some(ByteSize::gibibytes(3))));
        assert!(!disk(0, GIB).is_low(Some(ByteSize::ZERO)));
    }

    #[test]
    fn a_disk_without_room_for_files_is_low() {
        let mut disk = disk(50 * GIB, 100 * GIB);
        (disk.files, disk.free_files) = (1_000_000, 9_999);
        assert!(disk.is_low(None));
        disk.free_files = 10_000;
        assert!(!disk.is_low(None));
    }

    #[test]
    fn a_look_tells_of_the_real_disk() {
        let folder = tempfile::tempdir().unwrap();
        let watched = WatchedFolder {
            place: "staging",
            path: folder.path().to_owned(),
        };
        let space = |floor| FreeSpace::of(vec![watched.clone()], Some(floor));
        assert!(!space(ByteSize::ZERO).is_low());
        assert!(space(ByteSize::new(u64::MAX)).is_low());
    }
}
