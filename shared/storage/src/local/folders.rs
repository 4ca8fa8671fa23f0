//! The folders of a place: created when missing, synced when a name in them has changed. Concurrent
//! syncs of a folder are shared.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::root::Root;
use super::shared_sync::{Coalesced, FileSystem};

/// The folders below one root that this process has used.
#[derive(Debug)]
pub(super) struct Folders {
    root: Root,
    file_system: Arc<FileSystem>,
    known: Mutex<HashMap<PathBuf, Arc<Folder>>>,
}

/// A folder whose entry in its parents is durable.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    sync: Coalesced,
}

impl Folders {
    /// Opens the folders below `root`, creating it durably if it is missing.
    pub(super) fn below(root: PathBuf) -> io::Result<Self> {
        // An existing folder is not ours to sync, and may not be ours to open.
        let top = root
            .ancestors()
            .find(|above| above.is_dir())
            .unwrap_or(&root)
            .to_owned();
        make(&root, &top)?;
        Ok(Self {
            file_system: Arc::new(FileSystem::around(&root)),
            root: Root::open(root)?,
            known: Mutex::default(),
        })
    }

    /// The path of the root folder.
    pub(super) fn path(&self) -> &Path {
        self.root.path()
    }

    /// The root folder.
    pub(super) const fn root(&self) -> &Root {
        &self.root
    }

    /// The file system they lie on.
    pub(super) const fn file_system(&self) -> &Arc<FileSystem> {
        &self.file_system
    }

    /// Renames `from` to `to`, creating the folder durably if it is missing. The new name is not
    /// durable yet.
    pub(super) fn place(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.move_into(from, to).map(drop)
    }

    /// Renames `from` to `to` durably, creating the folder if it is missing.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.move_into(from, to)?.sync()
    }

    fn move_into(&self, from: &Path, to: &Path) -> io::Result<Arc<Folder>> {
        self.root.stands()?;
        let parent = to.parent().unwrap_or(self.path());
        let folder = self.ready(parent)?;
        match fs::rename(from, to) {
            Err(error) if error.kind() == ErrorKind::NotFound && !parent.exists() => {
                // The folder was removed since we created it.
                lock(&self.known).remove(parent);
                let folder = self.ready(parent)?;
                fs::rename(from, to)?;
                Ok(folder)
            }
            renamed => renamed.map(|()| folder),
        }
    }

    /// Syncs the folder of `path`.
    pub(super) fn sync_around(&self, path: &Path) -> io::Result<()> {
        self.ready(path.parent().unwrap_or(self.path()))?.sync()
    }

    /// Returns the folder at `path`, creating it durably if it is missing. Syncs the parents of an
    /// existing one once, since its creator may not have done so.
    fn ready(&self, path: &Path) -> io::Result<Arc<Folder>> {
        if let Some(folder) = lock(&self.known).get(path) {
            return Ok(Arc::clone(folder));
        }
        self.root.stands()?;
        make(path, self.path())?;
        let folder = Arc::new(Folder {
            path: path.to_owned(),
            sync: Coalesced::default(),
        });
        Ok(Arc::clone(
            lock(&self.known).entry(path.to_owned()).or_insert(folder),
        ))
    }
}

impl Folder {
    /// Syncs the folder, or waits for another sync that starts after this call.
    fn sync(&self) -> io::Result<()> {
        self.sync.run(|| sync_folder(&self.path))
    }
}

/// Creates the folder and missing parents, and syncs the parents up to `top`.
fn make(path: &Path, top: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).recursive(true).create(path)?;
    path.ancestors()
        .skip(1)
        .take_while(|above| above.starts_with(top))
        .try_for_each(sync_folder)
}

/// Syncs a folder.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
