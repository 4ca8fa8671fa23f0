//! A decorator of storage that springs when the bytes of a version are looked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use domain::{InstallationId, Timestamp};
use storage::{
    ByteStream, EntryStream, Mark, Marking, Range, SourceStream, Stat, Storage, StorageError,
    WriteError, Writer,
};
use tokio::sync::mpsc;
use url::Url;

/// What happens to whoever steps into the trap.
#[derive(Clone, Debug)]
pub enum Spring {
    /// It panics.
    Panic,
    /// It waits for ever.
    Hold,
    /// It is told so many times that they aren't there.
    Absent(Arc<AtomicU32>),
}

/// What the trap tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Entered,
    Left,
}

#[derive(Debug)]
pub struct Trap {
    pub inner: Arc<dyn Storage>,
    pub spring: Spring,
    pub tell: mpsc::UnboundedSender<Word>,
}

struct Leaving(mpsc::UnboundedSender<Word>);

impl Drop for Leaving {
    fn drop(&mut self) {
        let _ = self.0.send(Word::Left);
    }
}

#[async_trait]
impl Storage for Trap {
    fn place(&self) -> &Url {
        self.inner.place()
    }

    async fn stat(&self, url: &Url) -> Result<Option<Stat>, StorageError> {
        let _ = self.tell.send(Word::Entered);
        let _leaving = Leaving(self.tell.clone());
        match &self.spring {
            Spring::Panic => panic!("stepped into the trap"),
            Spring::Hold => std::future::pending().await,
            Spring::Absent(times) => {
                let one_less = |left: u32| left.checked_sub(1);
                match times.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less) {
                    Ok(_) => Ok(None),
                    Err(_) => self.inner.stat(url).await,
                }
            }
        }
    }

    async fn put(
        &self,
        key: &str,
        source: SourceStream<'_>,
        writer: Writer,
    ) -> Result<Url, WriteError> {
        self.inner.put(key, source, writer).await
    }

    async fn open(&self, url: &Url, range: Option<Range>) -> Result<ByteStream, StorageError> {
        self.inner.open(url, range).await
    }

    async fn delete(&self, url: &Url) -> Result<(), StorageError> {
        self.inner.delete(url).await
    }

    async fn take(&self, staged: &Url, key: &str) -> Result<Option<Url>, StorageError> {
        self.inner.take(staged, key).await
    }

    async fn list(&self, after: Option<&Url>) -> Result<EntryStream, StorageError> {
        self.inner.list(after).await
    }

    async fn sweep(&self, older_than: Timestamp) -> Result<u64, StorageError> {
        self.inner.sweep(older_than).await
    }

    async fn check(&self) -> Result<(), StorageError> {
        self.inner.check().await
    }

    async fn mark(&self) -> Result<Option<Mark>, StorageError> {
        self.inner.mark().await
    }

    async fn set_mark(
        &self,
        installation: InstallationId,
        marking: Marking,
    ) -> Result<(), StorageError> {
        self.inner.set_mark(installation, marking).await
    }
}
