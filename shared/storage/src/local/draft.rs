//! A temporary file that is renamed once complete, and removed if dropped before.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use tokio::runtime::Handle;
use uuid::Uuid;

use super::batch::Batch;
use super::folders::Folders;

/// A temporary file with an unguessable name.
#[derive(Debug)]
pub(super) struct Draft {
    file: File,
    path: Option<PathBuf>,
}

/// Returns whether a temporary file can have this name.
pub(super) fn is_name(text: &str) -> bool {
    let id = Uuid::try_parse(text).ok();
    id.is_some_and(|id| {
        id.get_version_num() == 4 && id.simple().encode_lower(&mut Uuid::encode_buffer()) == text
    })
}

impl Draft {
    /// Creates a temporary file in the folder `aside`, creating that if it is missing.
    pub(super) fn begin(aside: &Path) -> io::Result<Self> {
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
                DirBuilder::new()
                    .mode(0o700)
                    .recursive(true)
                    .create(aside)?;
                open()?
            }
            opened => opened?,
        };
        Ok(Self {
            file,
            path: Some(path),
        })
    }

    /// Appends a batch.
    pub(super) fn write(&mut self, batch: Batch) -> io::Result<()> {
        batch.write_to(&mut self.file)
    }

    /// Syncs the file, then renames it to `target`. Both survive a power cut once this returns.
    pub(super) fn publish(mut self, folders: &Folders, target: &Path) -> io::Result<()> {
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
