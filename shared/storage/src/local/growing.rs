//! Files that grow. Unfinished ones are in a folder of their own, each with a second file that holds
//! the fence of its writer; the second is locked while the first is written, so that a writer who was
//! cut off, in whatever process, changes nothing.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::task::JoinHandle;
use url::Url;

use super::batch::Batch;
use super::folders::{Folders, sync_folder};
use super::outcome::{failed, is_missing, stat_of, unless_missing};
use crate::key::{key_named, url_of};
use crate::{Appender, Entry, Flush, Growing, StorageError};
use domain::Timestamp;

/// The folder for unfinished files: on the same file system, under a name that is not a key.
const UNFINISHED: &str = ".growing";

/// What the name of the file with the fence ends with.
const FENCE: &str = "fence";

/// The fence of a file that is finished: nobody writes it any more.
const FINISHED: u64 = u64::MAX;

/// The bytes between two flushes.
const UNFLUSHED: usize = 8 << 20;

/// Why a file can't be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum GrowError {
    /// Its bytes are gone.
    #[error("the file is gone")]
    Gone,
    /// Another writer has taken over.
    #[error("another writer has taken over")]
    Superseded,
    /// The file system failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl GrowError {
    /// Returns the error of `action` on the object at `url`.
    pub(super) fn of(self, action: &'static str, url: &Url) -> StorageError {
        let url = url.clone();
        match self {
            Self::Gone => StorageError::NotFound { url },
            Self::Superseded => StorageError::Superseded { url },
            Self::Io(error) => failed(action, error),
        }
    }
}

/// Runs `work` on a blocking thread.
pub(super) async fn blocking<T: Send + 'static>(
    action: &'static str,
    url: &Url,
    work: impl FnOnce() -> Result<T, GrowError> + Send + 'static,
) -> Result<T, StorageError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome.map_err(|error| error.of(action, url)),
        Err(ended) => Err(failed(action, ended.into())),
    }
}

/// The files of one object that grows.
#[derive(Clone, Debug)]
pub(super) struct Files {
    folders: Arc<Folders>,
    data: PathBuf,
    fence: PathBuf,
    target: PathBuf,
}

impl Files {
    /// The files of the object whose key is that of `target`.
    pub(super) fn of(folders: &Arc<Folders>, target: PathBuf) -> Self {
        let name = target.file_name().unwrap_or_default();
        let data = folders.path().join(UNFINISHED).join(name);
        Self {
            folders: Arc::clone(folders),
            fence: data.with_extension(FENCE),
            data,
            target,
        }
    }

    /// Opens the file at `length` as the holder of `fence`, creating it if that is 0. What lies
    /// beyond the length is removed.
    pub(super) fn open(&self, length: u64, fence: u64) -> Result<Open, GrowError> {
        self.folders.root().stands()?;
        let fence = Fence::take(&self.fence, fence, || self.make_folder())?;
        if fence.was_finished {
            return Err(GrowError::Superseded);
        }
        let opened = OpenOptions::new()
            .write(true)
            .create(length == 0)
            .truncate(false)
            .mode(0o600)
            .open(&self.data);
        let mut data = match opened {
            Err(error) if is_missing(&error) => return Err(GrowError::Gone),
            opened => opened?,
        };
        if data.metadata()?.len() < length {
            return Err(GrowError::Gone);
        }
        data.set_len(length)?;
        if length == 0 {
            self.sync_folder()?;
        }
        data.seek(SeekFrom::Start(length))?;
        fence.file.unlock()?;
        Ok(Open { data, fence })
    }

    /// Makes the file an object of `length` bytes.
    pub(super) fn finish(&self, length: u64, fence: u64) -> Result<(), GrowError> {
        self.folders.root().stands()?;
        if self.is_finished(length)? {
            return Ok(());
        }
        let mut held = Fence::take(&self.fence, fence, || self.make_folder())?;
        held.set(FINISHED)?;
        let opened = OpenOptions::new()
            .write(true)
            .create(length == 0)
            .truncate(false)
            .mode(0o600)
            .open(&self.data);
        let data = match opened {
            Err(error) if is_missing(&error) => {
                // Somebody else may have finished it while this waited for the lock.
                return if self.is_finished(length)? {
                    Ok(())
                } else {
                    Err(GrowError::Gone)
                };
            }
            opened => opened?,
        };
        if data.metadata()?.len() < length {
            return Err(GrowError::Gone);
        }
        data.set_len(length)?;
        data.sync_data()?;
        self.folders.rename(&self.data, &self.target)?;
        unless_missing(fs::remove_file(&self.fence))?;
        Ok(())
    }

    /// Removes the unfinished file. Whoever writes it writes to a file without a name.
    pub(super) fn remove(&self) -> io::Result<()> {
        unless_missing(fs::remove_file(&self.data))?;
        unless_missing(fs::remove_file(&self.fence))?;
        Ok(())
    }

    fn is_finished(&self, length: u64) -> io::Result<bool> {
        let found = unless_missing(fs::symlink_metadata(&self.target))?;
        if found.is_none_or(|found| found.len() != length) {
            return Ok(false);
        }
        // Whoever renamed it may have died before that was durable.
        self.folders.sync_around(&self.target)?;
        unless_missing(fs::remove_file(&self.fence))?;
        Ok(true)
    }

    fn make_folder(&self) -> io::Result<()> {
        // Don't recreate a missing place: its volume may not be mounted.
        let folder = self.folders.path().join(UNFINISHED);
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => sync_folder(self.folders.path()),
        }
    }

    fn sync_folder(&self) -> io::Result<()> {
        sync_folder(&self.folders.path().join(UNFINISHED))
    }
}

/// The file with the fence.
#[derive(Debug)]
struct Fence {
    file: File,
    number: u64,
    /// Whether it said that the file is finished, or about to be.
    was_finished: bool,
}

impl Fence {
    /// Locks the file at `path` and writes `number`, unless the file is finished; fails if it has a
    /// higher one. Creates it, and its folder by `make_folder`, if it is missing.
    fn take(
        path: &Path,
        number: u64,
        make_folder: impl FnOnce() -> io::Result<()>,
    ) -> Result<Self, GrowError> {
        let open = || {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            options.mode(0o600).open(path)
        };
        let file = match open() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_folder()?;
                open()?
            }
            opened => opened?,
        };
        file.lock()?;
        let mut fence = Self {
            file,
            number,
            was_finished: false,
        };
        match fence.read()? {
            FINISHED => fence.was_finished = true,
            found if found > number => return Err(GrowError::Superseded),
            _ => fence.set(number)?,
        }
        Ok(fence)
    }

    /// Locks the file if its number is still this one's.
    fn lock(&mut self) -> Result<(), GrowError> {
        self.file.lock()?;
        if self.read()? == self.number {
            return Ok(());
        }
        self.file.unlock()?;
        Err(GrowError::Superseded)
    }

    fn read(&mut self) -> io::Result<u64> {
        let mut text = String::new();
        self.file.seek(SeekFrom::Start(0))?;
        (&mut self.file).take(32).read_to_string(&mut text)?;
        Ok(text.trim().parse().unwrap_or(0))
    }

    /// Twenty digits, so that one write replaces all of them.
    fn set(&mut self, number: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(format!("{number:020}\n").as_bytes())
    }
}

/// An unfinished file and its fence.
#[derive(Debug)]
pub(super) struct Open {
    data: File,
    fence: Fence,
}

impl Open {
    fn write(&mut self, batch: Batch) -> Result<(), GrowError> {
        self.fence.lock()?;
        let written = batch.write_to(&mut self.data);
        self.fence.file.unlock()?;
        Ok(written?)
    }
}

/// Appends to a file.
pub(super) struct LocalAppender {
    growing: Growing,
    /// `None` after a failure.
    open: Option<Open>,
    /// The batch before, while it is written.
    under_way: Option<JoinHandle<Result<Open, GrowError>>>,
    batch: Batch,
    unflushed: usize,
}

impl LocalAppender {
    pub(super) fn new(growing: &Growing, open: Open) -> Self {
        Self {
            growing: growing.clone(),
            open: Some(open),
            under_way: None,
            batch: Batch::default(),
            unflushed: 0,
        }
    }

    /// Waits until the batch before is written.
    async fn opened(&mut self) -> Result<Open, StorageError> {
        if let Some(call) = self.under_way.take() {
            let outcome = call.await.unwrap_or_else(|ended| {
                let ended: io::Error = ended.into();
                Err(ended.into())
            });
            return outcome.map_err(|error| error.of("write", &self.growing.url));
        }
        let failed_before = || failed("write", ErrorKind::BrokenPipe.into());
        self.open.take().ok_or_else(failed_before)
    }
}

#[async_trait]
impl Appender for LocalAppender {
    fn room(&self) -> usize {
        UNFLUSHED.saturating_sub(self.unflushed)
    }

    async fn push(&mut self, chunk: Bytes) -> Result<(), StorageError> {
        self.unflushed += chunk.len();
        self.batch.push(chunk);
        if self.batch.is_full() {
            // Gather the next batch while this one is written.
            let mut open = self.opened().await?;
            let batch = std::mem::take(&mut self.batch);
            self.under_way = Some(tokio::task::spawn_blocking(move || {
                open.write(batch)?;
                Ok(open)
            }));
        }
        Ok(())
    }

    async fn flush(&mut self, _: Flush, _: Timestamp) -> Result<Growing, StorageError> {
        if self.unflushed == 0 {
            return Ok(self.growing.clone());
        }
        let mut open = self.opened().await?;
        let batch = std::mem::take(&mut self.batch);
        let url = self.growing.url.clone();
        let open = blocking("write", &url, move || {
            open.write(batch)?;
            open.data.sync_data()?;
            Ok(open)
        });
        self.open = Some(open.await?);
        self.growing.length += std::mem::take(&mut self.unflushed) as u64;
        Ok(self.growing.clone())
    }
}

/// Lists unfinished files of `place` that were last written before `older_than`, as they are read.
pub(super) struct Unfinished {
    names: Option<fs::ReadDir>,
    place: Url,
    older_than: Timestamp,
}

impl Unfinished {
    pub(super) fn of(folders: &Folders, place: &Url, older_than: Timestamp) -> io::Result<Self> {
        Ok(Self {
            names: unless_missing(fs::read_dir(folders.path().join(UNFINISHED)))?,
            place: place.clone(),
            older_than,
        })
    }

    /// Returns the next one.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        for file in self.names.iter_mut().flatten() {
            let file = file?;
            let Some(name) = file.file_name().to_str().map(str::to_owned) else {
                continue;
            };
            // A fence may be left without its file.
            let name = name.strip_suffix(".fence").unwrap_or(&name);
            let Some(key) = key_named(name) else {
                continue;
            };
            let metadata = unless_missing(file.metadata())?;
            let stat = metadata.as_ref().map_or(Ok(None), stat_of)?;
            if let Some(stat) = stat.filter(|stat| stat.modified_at < self.older_than) {
                let url = url_of(&self.place, &key);
                return Ok(Some(Entry { url, stat }));
            }
        }
        Ok(None)
    }
}
