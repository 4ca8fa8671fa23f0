//! A temporary file that is renamed once complete, and removed if dropped before.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Handle;
use uuid::Uuid;

use super::batch::Batch;
use super::folders::Folders;
use super::shared_sync::Unsynced;

/// A temporary file with an unguessable name.
#[derive(Debug)]
pub(super) struct Draft {
    file: File,
    path: Option<PathBuf>,
    unsynced: Unsynced,
}

/// Returns whether a temporary file can have this name.
pub(super) fn is_name(text: &str) -> bool {
    let id = Uuid::try_parse(text).ok();
    id.is_some_and(|id| {
        id.get_version_num() == 4 && id.simple().encode_lower(&mut Uuid::encode_buffer()) == text
    })
}

/// The folder for temporary files.
#[derive(Clone, Debug)]
pub(super) struct Aside {
    folder: PathBuf,
    folders: Arc<Folders>,
}

impl Aside {
    /// The folder `name` of a place.
    pub(super) fn of(folders: &Arc<Folders>, name: &str) -> Self {
        Self {
            folder: folders.path().join(name),
            folders: Arc::clone(folders),
        }
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    /// Creates a temporary file in it, creating the folder if it is missing.
    pub(super) fn begin(&self) -> io::Result<Draft> {
        let aside = &self.folder;
        let unsynced = Unsynced::of(self.folders.file_system());
        let path = aside.join(Uuid::new_v4().simple().to_string());
        let open = || {
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
        };
        let file = match open() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.folders.root().stands()?;
                DirBuilder::new()
                    .mode(0o700)
                    .recursive(true)
                    .create(aside)?;
                open()?
            }
            opened => opened?,
        };
        Ok(Draft {
            file,
            path: Some(path),
            unsynced,
        })
    }
}

impl Draft {
    /// Appends a batch. A file that grows large is synced on its way.
    pub(super) fn write(&mut self, batch: Batch) -> io::Result<()> {
        let is_due = self.unsynced.add(batch.length());
        batch.write_to(&mut self.file)?;
        if is_due {
            self.file.sync_data()?;
            self.unsynced.clear();
        }
        Ok(())
    }

    /// Renames the file to `target`. The new name is not durable yet.
    pub(super) fn place(&mut self, folders: &Folders, target: &Path) -> io::Result<()> {
        if let Some(path) = &self.path {
            folders.place(path, target)?;
            self.path = None;
        }
        Ok(())
    }

    /// Whether syncs of the whole file system are as good as the file's own.
    pub(super) fn may_share(&self) -> bool {
        self.unsynced.may_share()
    }

    /// Syncs the file, then renames it to `target`. Both survive a power cut once this returns.
    pub(super) fn publish(mut self, folders: &Folders, target: &Path) -> io::Result<()> {
        let file_system = folders.file_system();
        let writer = file_system.begin();
        let shares = writer.is_one_of_many();
        // Contents before the name, and then the name: what is seen is whole, even after a power
        // cut.
        if shares && self.unsynced.may_share() {
            file_system.sync()?;
            if self.unsynced.may_share() {
                self.place(folders, target)?;
                file_system.sync()?;
                if self.unsynced.may_share() {
                    return Ok(());
                }
                return folders.sync_around(target);
            }
        }
        // Syncs contents and length; times may be older.
        self.file.sync_data()?;
        if let Some(path) = &self.path {
            folders.rename(path, target)?;
        }
        self.path = None;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let Some(path) = self.path.take() else {
            return;
        };
        // Freeing gigabytes takes a while. `sweep` removes what is missed here.
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || fs::remove_file(path))),
            Err(_) => drop(fs::remove_file(path)),
        }
    }
}
