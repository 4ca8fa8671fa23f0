//! A decorator for storage: counts and times every call, and wraps it in a span.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span, debug_span};
use url::Url;

use super::Meters;
use domain::{InstallationId, Timestamp};
use storage::{
    Appender, Appending, ByteStream, Direct, EntryStream, Flush, Growing, Mark, Marking, Presented,
    Range, SourceStream, Stat, Storage, StorageError, StorageRouter, WriteError, Writer,
};

/// Instrumented storage.
#[derive(Debug)]
pub struct Watched {
    inner: Arc<dyn Storage>,
    meters: Meters,
}

impl Watched {
    /// Returns the router with all places instrumented.
    #[must_use]
    pub fn places(places: &StorageRouter, meters: &Meters) -> StorageRouter {
        places.decorated(|inner| {
            Arc::new(Self {
                inner: Arc::clone(inner),
                meters: meters.clone(),
            })
        })
    }

    async fn call<T, E>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T, E>>,
        outcome_of: impl FnOnce(&E) -> &'static str,
    ) -> Result<T, E> {
        let begun = Instant::now();
        let span = span(name);
        let answer = call.instrument(span.clone()).await;
        let outcome = answer.as_ref().err().map_or("ok", outcome_of);
        span.record("storage.outcome", outcome);
        self.meters.called(name, outcome, begun.elapsed());
        answer
    }

    async fn plain<T>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        self.call(name, call, |_| "error").await
    }
}

fn span(name: &'static str) -> Span {
    debug_span!("storage", storage.operation = name, storage.outcome = Empty)
}

#[async_trait]
impl Storage for Watched {
    fn place(&self) -> &Url {
        self.inner.place()
    }

    async fn put(
        &self,
        key: &str,
        source: SourceStream<'_>,
        writer: Writer,
    ) -> Result<Url, WriteError> {
        self.call(
            "put",
            self.inner.put(key, source, writer),
            |error| match error {
                WriteError::Source(_) => "broken_off",
                WriteError::Storage(_) => "error",
            },
        )
        .await
    }

    async fn open(&self, url: &Url, range: Option<Range>) -> Result<ByteStream, StorageError> {
        self.plain("open", self.inner.open(url, range)).await
    }

    async fn presign(
        &self,
        url: &Url,
        presented: &Presented,
        lifetime: Duration,
    ) -> Result<Option<Url>, StorageError> {
        let presigned = self.inner.presign(url, presented, lifetime);
        self.plain("presign", presigned).await
    }

    async fn stat(&self, url: &Url) -> Result<Option<Stat>, StorageError> {
        self.plain("stat", self.inner.stat(url)).await
    }

    async fn delete(&self, url: &Url) -> Result<(), StorageError> {
        self.plain("delete", self.inner.delete(url)).await
    }

    async fn take(&self, staged: &Url, key: &str) -> Result<Option<Url>, StorageError> {
        self.plain("take", self.inner.take(staged, key)).await
    }

    async fn list(&self, after: Option<&Url>) -> Result<EntryStream, StorageError> {
        self.plain("list", self.inner.list(after)).await
    }

    async fn sweep(&self, older_than: Timestamp) -> Result<u64, StorageError> {
        self.plain("sweep", self.inner.sweep(older_than)).await
    }

    async fn check(&self) -> Result<(), StorageError> {
        self.plain("check", self.inner.check()).await
    }

    async fn mark(&self) -> Result<Option<Mark>, StorageError> {
        self.plain("mark", self.inner.mark()).await
    }

    async fn set_mark(
        &self,
        installation: InstallationId,
        marking: Marking,
    ) -> Result<(), StorageError> {
        self.plain("set_mark", self.inner.set_mark(installation, marking))
            .await
    }

    fn appending(&self) -> Option<&dyn Appending> {
        self.inner.appending().map(|_| self as &dyn Appending)
    }

    /// Not watched: nearly all of it is computing.
    fn direct(&self) -> Option<&dyn Direct> {
        self.inner.direct()
    }
}

impl Watched {
    /// The interface of the place itself: nobody asks for it where there is none.
    fn growing(&self) -> Result<&dyn Appending, StorageError> {
        let place = || self.inner.place().clone();
        let appending = self.inner.appending();
        appending.ok_or_else(|| StorageError::NotSupported { place: place() })
    }
}

#[async_trait]
impl Appending for Watched {
    async fn append(
        &self,
        growing: &Growing,
        fence: u64,
        writer: Writer,
    ) -> Result<Box<dyn Appender>, StorageError> {
        let call = self.growing()?.append(growing, fence, writer);
        Ok(Box::new(WatchedAppender {
            inner: self.plain("append", call).await?,
            meters: self.meters.clone(),
        }))
    }

    async fn finish(
        &self,
        growing: &Growing,
        fence: u64,
        writer: Writer,
    ) -> Result<Url, StorageError> {
        let call = self.growing()?.finish(growing, fence, writer);
        self.plain("finish", call).await
    }

    async fn unfinished(&self, older_than: Timestamp) -> Result<EntryStream, StorageError> {
        let call = self.growing()?.unfinished(older_than);
        self.plain("unfinished", call).await
    }
}

/// An instrumented writer: its flushes are what reaches the storage.
struct WatchedAppender {
    inner: Box<dyn Appender>,
    meters: Meters,
}

#[async_trait]
impl Appender for WatchedAppender {
    fn room(&self) -> usize {
        self.inner.room()
    }

    async fn push(&mut self, chunk: Bytes) -> Result<(), StorageError> {
        self.inner.push(chunk).await
    }

    async fn flush(&mut self, flush: Flush, now: Timestamp) -> Result<Growing, StorageError> {
        let begun = Instant::now();
        let span = span("flush");
        let answer = self.inner.flush(flush, now).instrument(span.clone()).await;
        let outcome = answer.as_ref().err().map_or("ok", |_| "error");
        span.record("storage.outcome", outcome);
        self.meters.called("flush", outcome, begun.elapsed());
        answer
    }

    async fn is_claimed(&self) {
        self.inner.is_claimed().await;
    }

    async fn abandon(&mut self) {
        let span = span("abandon");
        self.inner.abandon().instrument(span).await;
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;
    use storage::StorageUrl;

    #[tokio::test]
    async fn every_call_is_counted_by_how_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| StorageUrl::from_directory(&folder.path().join(name)).unwrap();
        let places = StorageRouter::connect(&place("staging"), &place("store"))
            .await
            .unwrap();
        let meters = Meters::default();
        let places = Watched::places(&places, &meters);
        let now = Timestamp::from_micros(0);
        let good: SourceStream<'_> = Box::pin(stream::iter([Ok("bytes".into())]));
        let staged = places.stage(now, good).await.unwrap();
        let broken: SourceStream<'_> = Box::pin(stream::iter([Err("gone".into())]));
        places.stage(now, broken).await.unwrap_err();
        places.delete(&staged.url).await.unwrap();
        assert!(places.open(&staged.url, None).await.is_err());
        let text = meters.text();
        for (call, outcome) in [
            ("put", "ok"),
            ("put", "broken_off"),
            ("delete", "ok"),
            ("open", "error"),
        ] {
            let line = format!(
                "dossier_storage_calls_total{{operation=\"{call}\",outcome=\"{outcome}\"}} 1"
            );
            assert!(text.contains(&line), "{line}\n{text}");
        }
        assert!(!text.contains(folder.path().to_str().unwrap()));
    }
}
