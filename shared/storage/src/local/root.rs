//! The root folder of a place, told from another that has come to its path: that of a volume that was
//! unmounted, or one that somebody made. What is written there would be lost once the former is back,
//! and what is missing there isn't gone.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::outcome::unless_missing;
use crate::key::MARK;

/// A root folder as it was opened.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// The folder's device and number there (`stat(2)`).
    folder: (u64, u64),
    /// The mark in it, once it was read.
    mark: Option<Vec<u8>>,
}

/// The folder at the path of a place is not the one that was opened.
#[derive(Debug, thiserror::Error)]
#[error("another folder is at {}: is its volume mounted, and as before?", .0.display())]
struct OtherFolder(PathBuf);

impl Root {
    /// Knows the folder at `path`, which exists.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let folder = identity(&fs::metadata(&path)?);
        Ok(Self {
            path,
            known: Mutex::new(Known { folder, mark: None }),
        })
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Fails if the folder is gone, or another is in its place. One that was copied back is known by its
    /// mark; of another file system only a restart will do, since shared syncs go to the one that was
    /// opened.
    pub(super) fn stands(&self) -> io::Result<()> {
        let folder = identity(&fs::metadata(&self.path)?);
        let mut known = self.known();
        if folder == known.folder {
            return Ok(());
        }
        let mark = unless_missing(fs::read(self.path.join(MARK)))?;
        let is_elsewhere = folder.0 != known.folder.0;
        if is_elsewhere || mark.is_none() || mark != known.mark {
            return Err(io::Error::other(OtherFolder(self.path.clone())));
        }
        known.folder = folder;
        Ok(())
    }

    /// Returns what was found. What isn't there is known to be missing only if the folder stands.
    pub(super) fn unless_away<T>(&self, found: Option<T>) -> io::Result<Option<T>> {
        if found.is_none() {
            self.stands()?;
        }
        Ok(found)
    }

    /// Keeps the mark that was read in the folder.
    pub(super) fn remember(&self, mark: &[u8]) {
        let now = fs::metadata(&self.path);
        let mut known = self.known();
        if now.is_ok_and(|now| identity(&now) == known.folder) {
            known.mark = Some(mark.to_owned());
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn identity(folder: &Metadata) -> (u64, u64) {
    (folder.dev(), folder.ino())
}
