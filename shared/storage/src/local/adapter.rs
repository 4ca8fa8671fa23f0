//! The adapter for local files. Writes are durable: a temporary file is written and synced, renamed
//! to its key, and its folder synced.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::batch::Batch;
use super::draft::{self, Aside, Draft};
use super::folders::{Folders, sync_folder};
use super::growing::{self, Files, LocalAppender, Unfinished};
use super::outcome::{blocking, failed, stat_of, unless_missing};
use super::overlap;
use super::reading::Reading;
use super::together::Together;
use super::walk::Walk;
use crate::key::{MARK, Start, is_growing, is_key, key_within, start_of, url_of};
use crate::mark;
use crate::private_file;
use crate::{
    Appender, Appending, ByteStream, EntryStream, Growing, Mark, Marking, Range, SourceStream,
    Stat, Storage, StorageError, WriteError, Writer,
};
use domain::{InstallationId, Timestamp};

/// The folder for temporary files: on the same file system, under a name that is not a key.
const ASIDE: &str = ".aside";

/// Objects of at most this many bytes are written together with others.
const SMALL: usize = 64 << 10;

/// A folder of local files, readable only by this user.
#[derive(Debug)]
pub struct Local {
    place: Url,
    folders: Arc<Folders>,
    aside: Aside,
    together: Arc<Together>,
}

impl Local {
    /// Opens the place at a `file:` URL, which ends with a slash. Creates its folder if it is
    /// missing.
    pub async fn connect(place: &Url) -> Result<Self, StorageError> {
        let Ok(root) = place.to_file_path() else {
            return Err(StorageError::UnknownPlace { url: place.clone() });
        };
        let folders = blocking("make its folder", move || Folders::below(root)).await?;
        let folders = Arc::new(folders);
        let aside = Aside::of(&folders, ASIDE);
        Ok(Self {
            place: place.clone(),
            together: Together::of(&folders, &aside),
            aside,
            folders,
        })
    }

    /// Returns whether the file or folder at `inner` is or lies within the folder of the place at
    /// `outer`, following links. Both must exist; a place that isn't local contains nothing.
    pub async fn lies_within(inner: &Path, outer: &Url) -> Result<bool, StorageError> {
        if outer.scheme() != "file" {
            return Ok(false);
        }
        let Ok(root) = outer.to_file_path() else {
            return Err(StorageError::UnknownPlace { url: outer.clone() });
        };
        let inner = inner.to_owned();
        blocking("look where it lies", move || {
            overlap::lies_within(&inner, &root)
        })
        .await
    }

    fn path_of(&self, url: &Url) -> Result<PathBuf, StorageError> {
        let key = key_within(&self.place, url);
        let path = key.map(|key| self.folders.path().join(key));
        path.ok_or_else(|| StorageError::UnknownPlace { url: url.clone() })
    }

    /// Returns the files of the object at `url`, if it is one that grows.
    fn growing(&self, url: &Url) -> Result<Option<Files>, StorageError> {
        let is_growing = key_within(&self.place, url).is_some_and(is_growing);
        is_growing.then(|| self.files_of(url)).transpose()
    }

    fn files_of(&self, url: &Url) -> Result<Files, StorageError> {
        Ok(Files::of(&self.folders, self.path_of(url)?))
    }

    fn new_object(&self, key: &str) -> Result<(Url, PathBuf), StorageError> {
        let url = url_of(&self.place, key);
        if !is_key(key) {
            return Err(StorageError::UnknownPlace { url });
        }
        Ok((url, self.folders.path().join(key)))
    }
}

#[async_trait]
impl Storage for Local {
    fn place(&self) -> &Url {
        &self.place
    }

    async fn put(
        &self,
        key: &str,
        mut source: SourceStream<'_>,
        _: Writer,
    ) -> Result<Url, WriteError> {
        let (url, target) = self.new_object(key)?;
        let dropped = CancellationToken::new();
        let _guard = dropped.clone().drop_guard();
        let mut batch = Batch::default();
        let mut draft = Writing::NotBegun;
        while let Some(chunk) = source.next().await {
            batch.push(chunk.map_err(WriteError::Source)?);
            if batch.is_full() {
                // Gather the next batch while this one is written.
                let aside = self.aside.clone();
                let batch = std::mem::take(&mut batch);
                draft = draft.then_write(aside, batch).await?;
            }
        }
        let draft = draft.finish().await?;
        if draft.is_none() && batch.length() <= SMALL {
            let written = self.together.write(batch, target).await;
            return written
                .map(|()| url)
                .map_err(|error| failed("write", error).into());
        }
        let (aside, folders) = (self.aside.clone(), Arc::clone(&self.folders));
        blocking("write", move || {
            let mut draft = draft.map_or_else(|| aside.begin(), Ok)?;
            draft.write(batch)?;
            if dropped.is_cancelled() {
                return Ok(());
            }
            draft.publish(&folders, &target)
        })
        .await?;
        Ok(url)
    }

    async fn open(&self, url: &Url, range: Option<Range>) -> Result<ByteStream, StorageError> {
        let path = self.path_of(url)?;
        if let Some(reading) = Reading::in_memory(&path, range) {
            return Ok(reading.stream());
        }
        let folders = Arc::clone(&self.folders);
        let reading = blocking("open", move || {
            folders.root().unless_away(Reading::open(&path, range)?)
        })
        .await?;
        let reading = reading.ok_or_else(|| StorageError::NotFound { url: url.clone() })?;
        Ok(reading.stream())
    }

    async fn stat(&self, url: &Url) -> Result<Option<Stat>, StorageError> {
        let path = self.path_of(url)?;
        let folders = Arc::clone(&self.folders);
        blocking("look", move || folders.root().unless_away(stat(&path)?)).await
    }

    /// The name is gone when this returns, but may reappear after a power cut.
    async fn delete(&self, url: &Url) -> Result<(), StorageError> {
        let path = self.path_of(url)?;
        let growing = self.growing(url)?;
        let folders = Arc::clone(&self.folders);
        blocking("delete", move || {
            if let Some(growing) = growing {
                growing.remove()?;
            }
            let removed = unless_missing(fs::remove_file(path))?;
            folders.root().unless_away(removed).map(drop)
        })
        .await
    }

    /// A rename leaves nothing at `staged`.
    async fn take(&self, staged: &Url, key: &str) -> Result<Option<Url>, StorageError> {
        let (url, target) = self.new_object(key)?;
        let Some(source) = path_of_staged(staged) else {
            return Ok(None);
        };
        let folders = Arc::clone(&self.folders);
        let end = blocking("take", move || take(&folders, &source, &target)).await?;
        match end {
            Ending::Taken => Ok(Some(url)),
            Ending::OtherFileSystem => Ok(None),
            Ending::Missing => Err(StorageError::NotFound {
                url: staged.clone(),
            }),
        }
    }

    async fn list(&self, after: Option<&Url>) -> Result<EntryStream, StorageError> {
        let after = match start_of(&self.place, after) {
            Start::First => String::new(),
            Start::Behind(key) => key.to_owned(),
            Start::Past => return Ok(Box::pin(stream::empty())),
        };
        let walk = Walk::new(self.folders.path().to_owned(), self.place.clone(), after);
        let batches = stream::try_unfold(walk, |mut walk| async move {
            let (batch, walk) = blocking("list", move || Ok((walk.next_batch()?, walk))).await?;
            let is_more = !batch.is_empty();
            let batch = stream::iter(batch.into_iter().map(Ok));
            Ok::<_, StorageError>(is_more.then_some((batch, walk)))
        });
        Ok(Box::pin(batches.try_flatten()))
    }

    async fn sweep(&self, older_than: Timestamp) -> Result<u64, StorageError> {
        let aside = self.aside.clone();
        blocking("sweep", move || sweep(aside.path(), older_than)).await
    }

    async fn check(&self) -> Result<(), StorageError> {
        let aside = self.aside.clone();
        let folders = Arc::clone(&self.folders);
        blocking("write to its folder", move || {
            folders.root().stands()?;
            let mut draft = aside.begin()?;
            let mut batch = Batch::default();
            batch.push(b"?".as_slice().into());
            draft.write(batch)
        })
        .await
    }

    async fn mark(&self) -> Result<Option<Mark>, StorageError> {
        let folders = Arc::clone(&self.folders);
        let text = blocking("read its mark", move || {
            let text = read_mark(&folders.path().join(MARK))?;
            if let Some(text) = &text {
                folders.root().remember(text);
            }
            Ok(text)
        });
        Ok(text.await?.map(|text| mark::read(&text)))
    }

    async fn set_mark(
        &self,
        installation: InstallationId,
        marking: Marking,
    ) -> Result<(), StorageError> {
        let root = self.folders.path().to_owned();
        let text = mark::written(installation);
        blocking("write its mark", move || write_mark(&root, &text, marking)).await
    }

    fn appending(&self) -> Option<&dyn Appending> {
        Some(self)
    }
}

#[async_trait]
impl Appending for Local {
    async fn append(
        &self,
        growing: &Growing,
        fence: u64,
        _: Writer,
    ) -> Result<Box<dyn Appender>, StorageError> {
        let (url, length) = (&growing.url, growing.length);
        let files = self.files_of(url)?;
        let open = growing::blocking("open", url, move || files.open(length, fence)).await?;
        Ok(Box::new(LocalAppender::new(growing, open)))
    }

    async fn finish(&self, growing: &Growing, fence: u64, _: Writer) -> Result<Url, StorageError> {
        let (url, length) = (&growing.url, growing.length);
        let files = self.files_of(url)?;
        growing::blocking("finish", url, move || files.finish(length, fence)).await?;
        Ok(url.clone())
    }

    async fn unfinished(&self, older_than: Timestamp) -> Result<EntryStream, StorageError> {
        let (folders, place) = (Arc::clone(&self.folders), self.place.clone());
        let files = blocking("list unfinished files", move || {
            Unfinished::of(&folders, &place, older_than)
        })
        .await?;
        let entries = stream::try_unfold(files, |mut files| async move {
            let (next, files) =
                blocking("list unfinished files", move || Ok((files.next()?, files))).await?;
            Ok::<_, StorageError>(next.map(|next| (next, files)))
        });
        Ok(Box::pin(entries))
    }
}

fn read_mark(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut text = Vec::new();
    file.take(mark::LONGEST as u64).read_to_end(&mut text)?;
    Ok(Some(text))
}

/// Don't recreate a missing root.
fn write_mark(root: &Path, text: &[u8], marking: Marking) -> io::Result<()> {
    let path = root.join(MARK);
    let folder = path.parent().unwrap_or(root);
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => sync_folder(root)?,
    }
    match marking {
        Marking::First => private_file::make(&path, text).map(drop),
        Marking::Over => private_file::replace(&path, text),
    }
}

/// A temporary file that a blocking call may be using.
enum Writing {
    NotBegun,
    UnderWay(tokio::task::JoinHandle<io::Result<Draft>>),
}

impl Writing {
    /// Passes `batch` to a blocking call once the previous one has ended.
    async fn then_write(self, aside: Aside, batch: Batch) -> Result<Self, StorageError> {
        let draft = self.finish().await?;
        Ok(Self::UnderWay(tokio::task::spawn_blocking(move || {
            let mut draft = draft.map_or_else(|| aside.begin(), Ok)?;
            draft.write(batch)?;
            Ok(draft)
        })))
    }

    /// Returns the temporary file with all batches; `None` if there were none.
    async fn finish(self) -> Result<Option<Draft>, StorageError> {
        let Self::UnderWay(call) = self else {
            return Ok(None);
        };
        let outcome = call.await.unwrap_or_else(|ended| Err(ended.into()));
        outcome.map(Some).map_err(|error| failed("write", error))
    }
}

/// The result of taking a file.
enum Ending {
    Taken,
    OtherFileSystem,
    Missing,
}

fn take(folders: &Folders, source: &Path, target: &Path) -> io::Result<Ending> {
    match folders.rename(source, target) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {
            return Ok(Ending::OtherFileSystem);
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if stat(target)?.is_none() {
                return Ok(Ending::Missing);
            }
            // The process that took it may have died before it was durable.
            folders.sync_around(target)?;
            return Ok(Ending::Taken);
        }
        Err(error) => return Err(error),
    }
    if let Some(parent) = source.parent() {
        sync_folder(parent)?;
    }
    Ok(Ending::Taken)
}

/// Returns the file at a URL of another local place.
fn path_of_staged(staged: &Url) -> Option<PathBuf> {
    if staged.scheme() != "file" {
        return None;
    }
    staged.to_file_path().ok()
}

fn stat(path: &Path) -> io::Result<Option<Stat>> {
    let metadata = unless_missing(fs::symlink_metadata(path))?;
    metadata.as_ref().map_or(Ok(None), stat_of)
}

fn sweep(aside: &Path, older_than: Timestamp) -> io::Result<u64> {
    let mut removed = 0;
    let Some(drafts) = unless_missing(fs::read_dir(aside))? else {
        return Ok(removed);
    };
    for draft in drafts {
        let draft = draft?;
        if !draft.file_name().to_str().is_some_and(draft::is_name) {
            continue;
        }
        let Some(metadata): Option<Metadata> = unless_missing(draft.metadata())? else {
            continue;
        };
        let is_old = stat_of(&metadata)?.is_some_and(|stat| stat.modified_at < older_than);
        if is_old && unless_missing(fs::remove_file(draft.path()))?.is_some() {
            removed += 1;
        }
    }
    Ok(removed)
}
