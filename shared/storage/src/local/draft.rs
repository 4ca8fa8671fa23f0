//! A draft: a file that is written aside until it is whole. One that is dropped before is removed.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use tokio::runtime::Handle;
use uuid::Uuid;

use super::batch::Batch;
use super::folders::Folders;

/// A file of an unguessable name in the folder for drafts.
#[derive(Debug)]
pub(super) struct Draft {
    file: File,
    path: Option<PathBuf>,
}

/// Whether a draft can have this name.
pub(super) fn is_name(text: &str) -> bool {
    let id = Uuid::try_parse(text).ok();
    id.is_some_and(|id| {
        id.get_version_num() == 4 && id.simple().encode_lower(&mut Uuid::encode_buffer()) == text
    })
}

impl Draft {
    /// Begins a draft in the folder `aside`, which is made if it is missing.
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

    /// Adds what was gathered.
    pub(super) fn write(&mut self, batch: Batch) -> io::Result<()> {
        batch.write_to(&mut self.file)
    }

    /// Makes the file durable and then seen, at `target`. When this returns, both
    /// will outlast a power cut.
    pub(super) fn publish(mut self, folders: &Folders, target: &Path) -> io::Result<()> {
        // Contents and length; the times may be those of the last write-back.
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
        // Freeing gigabytes takes a while. What escapes here is found by `sweep`.
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || fs::remove_file(path))),
            Err(_) => drop(fs::remove_file(path)),
        }
    }
}
