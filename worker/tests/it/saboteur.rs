//! A decorator of storage that breaks one call: the n-th, before or after it took effect, by an
//! error or by a silence in which the worker can be killed. What the bytes of an object come in
//! are calls as well.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use domain::{InstallationId, Timestamp};
use futures::StreamExt;
use storage::{
    ByteStream, EntryStream, Mark, Marking, Range, SourceStream, Stat, Storage, StorageError,
    WriteError, Writer,
};
use tokio::sync::watch;
use url::Url;

/// How a call breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// It fails, and nothing has happened.
    FailsBefore,
    /// It fails, but it has happened.
    FailsAfter,
    /// Nothing happens, and it never returns.
    HangsBefore,
    /// It happens, and never returns.
    HangsAfter,
}

impl Break {
    pub const ALL: [Self; 4] = [
        Self::FailsBefore,
        Self::FailsAfter,
        Self::HangsBefore,
        Self::HangsAfter,
    ];

    pub const fn hangs(self) -> bool {
        matches!(self, Self::HangsBefore | Self::HangsAfter)
    }
}

/// Which call breaks, for all places that share it.
#[derive(Debug)]
pub struct Plan {
    call: usize,
    breaks: Break,
    calls: AtomicUsize,
    broken: watch::Sender<bool>,
}

impl Plan {
    pub fn new(call: usize, breaks: Break) -> Arc<Self> {
        Arc::new(Self {
            call,
            breaks,
            calls: AtomicUsize::new(0),
            broken: watch::Sender::new(false),
        })
    }

    /// Whether there were as many calls.
    pub fn has_fired(&self) -> bool {
        *self.broken.borrow()
    }

    /// Returns when the call breaks.
    pub async fn fired(&self) {
        let mut broken = self.broken.subscribe();
        broken.wait_for(|broken| *broken).await.unwrap();
    }

    async fn call<T, E: From<StorageError>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        if self.calls.fetch_add(1, Ordering::SeqCst) != self.call {
            return work.await;
        }
        if matches!(self.breaks, Break::FailsAfter | Break::HangsAfter) {
            let _ = work.await;
        }
        self.broken.send_replace(true);
        if self.breaks.hangs() {
            return std::future::pending().await;
        }
        Err(sabotage().into())
    }
}

fn sabotage() -> StorageError {
    StorageError::Unavailable {
        action: "go on",
        source: "sabotage".into(),
    }
}

/// Whether a place takes in what another one of its kind has staged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    /// As the adapter can: by a rename.
    Renames,
    /// Not at all, as between services of different kinds.
    Refuses,
}

/// A place whose calls may break.
pub struct Saboteur {
    pub inner: Arc<dyn Storage>,
    pub plan: Arc<Plan>,
    pub taking: Taking,
}

impl fmt::Debug for Saboteur {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Saboteur").finish_non_exhaustive()
    }
}

#[async_trait]
impl Storage for Saboteur {
    fn place(&self) -> &Url {
        self.inner.place()
    }

    async fn stat(&self, url: &Url) -> Result<Option<Stat>, StorageError> {
        self.plan.call(self.inner.stat(url)).await
    }

    async fn put(
        &self,
        key: &str,
        source: SourceStream<'_>,
        writer: Writer,
    ) -> Result<Url, WriteError> {
        self.plan.call(self.inner.put(key, source, writer)).await
    }

    async fn open(&self, url: &Url, range: Option<Range>) -> Result<ByteStream, StorageError> {
        let bytes = self.plan.call(self.inner.open(url, range)).await?;
        let plan = Arc::clone(&self.plan);
        let bytes = bytes.then(move |chunk| {
            let plan = Arc::clone(&plan);
            async move { plan.call(std::future::ready(chunk)).await }
        });
        Ok(Box::pin(bytes))
    }

    async fn delete(&self, url: &Url) -> Result<(), StorageError> {
        self.plan.call(self.inner.delete(url)).await
    }

    async fn take(&self, staged: &Url, key: &str) -> Result<Option<Url>, StorageError> {
        if self.taking == Taking::Refuses {
            return Ok(None);
        }
        self.plan.call(self.inner.take(staged, key)).await
    }

    async fn list(&self, after: Option<&Url>) -> Result<EntryStream, StorageError> {
        self.plan.call(self.inner.list(after)).await
    }

    async fn sweep(&self, older_than: Timestamp) -> Result<u64, StorageError> {
        self.plan.call(self.inner.sweep(older_than)).await
    }

    async fn check(&self) -> Result<(), StorageError> {
        self.plan.call(self.inner.check()).await
    }

    async fn mark(&self) -> Result<Option<Mark>, StorageError> {
        self.plan.call(self.inner.mark()).await
    }

    async fn set_mark(
        &self,
        installation: InstallationId,
        marking: Marking,
    ) -> Result<(), StorageError> {
        self.plan
            .call(self.inner.set_mark(installation, marking))
            .await
    }
}
