//! The folders of a place: made when they are missing, synced when a name in them has changed.
//! Concurrent syncs of one folder are shared.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The folders that this process has used, below one root.
#[derive(Debug)]
pub(super) struct Folders {
    root: PathBuf,
    known: Mutex<HashMap<PathBuf, Arc<Folder>>>,
}

/// A folder that is known to be durable in its parents.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// How many have asked for a sync so far.
    asked: AtomicU64,
    /// How many of them had asked before the last finished sync began.
    served: Mutex<u64>,
}

impl Folders {
    /// The folders below `root`, which is made, durably, if it is missing.
    pub(super) fn below(root: PathBuf) -> io::Result<Self> {
        // What is there already is not ours to sync, and perhaps not ours to open.
        let top = root
            .ancestors()
            .find(|above| above.is_dir())
            .unwrap_or(&root)
            .to_owned();
        make(&root, &top)?;
        Ok(Self {
            root,
            known: Mutex::default(),
        })
    }

    /// The folder above all.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Renames `from` to `to`, whose folder is made if it is missing, and makes the
    /// new name durable.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let parent = to.parent().unwrap_or(&self.root);
        let folder = self.ready(parent)?;
        match fs::rename(from, to) {
            Err(error) if error.kind() == ErrorKind::NotFound && !parent.exists() => {
                // Somebody removed the folder since we made it.
                lock(&self.known).remove(parent);
                let folder = self.ready(parent)?;
                fs::rename(from, to)?;
                folder.sync()
            }
            renamed => renamed.and_then(|()| folder.sync()),
        }
    }

    /// Makes the names in the folder of `path` durable.
    pub(super) fn sync_around(&self, path: &Path) -> io::Result<()> {
        self.ready(path.parent().unwrap_or(&self.root))?.sync()
    }

    /// The folder at `path`, made durably if it is missing. Even one that is there
    /// is synced into its parents once: whoever made it may not have come so far.
    fn ready(&self, path: &Path) -> io::Result<Arc<Folder>> {
        if let Some(folder) = lock(&self.known).get(path) {
            return Ok(Arc::clone(folder));
        }
        make(path, &self.root)?;
        let folder = Arc::new(Folder {
            path: path.to_owned(),
            asked: AtomicU64::new(0),
            served: Mutex::new(0),
        });
        Ok(Arc::clone(
            lock(&self.known).entry(path.to_owned()).or_insert(folder),
        ))
    }
}

impl Folder {
    /// Syncs the folder, or waits for a sync by another that begins after this call.
    fn sync(&self) -> io::Result<()> {
        let ticket = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut served = lock(&self.served);
        if *served >= ticket {
            return Ok(());
        }
        let asked = self.asked.load(Ordering::SeqCst);
        sync_folder(&self.path)?;
        *served = asked;
        Ok(())
    }
}

/// Makes the folder and those above it if they are missing, and syncs what is above it up to `top`.
fn make(path: &Path, top: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).recursive(true).create(path)?;
    path.ancestors()
        .skip(1)
        .take_while(|above| above.starts_with(top))
        .try_for_each(sync_folder)
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
