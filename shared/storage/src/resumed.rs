//! A read that continues at its offset after its connection broke off.

use futures::{TryStreamExt, stream};
use tokio::time::{Duration, sleep};

use crate::{ByteStream, Range, StorageError};

/// The failures in a row, without a byte between them, after which a read fails.
const FAILURES: u32 = 3;

/// The pause before the first try to continue; doubled before each further one.
const PAUSE: Duration = Duration::from_millis(100);

struct Reading<F> {
    bytes: Option<ByteStream>,
    /// What is still to be read.
    left: Range,
    failures: u32,
    reopen: F,
}

/// Returns the bytes of `range`, of which `first` has been opened. If it fails or ends early,
/// `reopen` opens the rest.
pub(crate) fn resumed<F, R>(first: ByteStream, range: Range, reopen: F) -> ByteStream
where
    F: Fn(Range) -> R + Send + 'static,
    R: Future<Output = Result<ByteStream, StorageError>> + Send,
{
    let reading = Reading {
        bytes: Some(first),
        left: range,
        failures: 0,
        reopen,
    };
    Box::pin(stream::try_unfold(reading, |mut reading| async move {
        while reading.left.length > 0 {
            match reading.next().await {
                Ok(chunk) => return Ok(Some((chunk, reading))),
                Err(error) => reading.recover(error).await?,
            }
        }
        Ok(None)
    }))
}

impl<F, R> Reading<F>
where
    F: Fn(Range) -> R + Send + 'static,
    R: Future<Output = Result<ByteStream, StorageError>> + Send,
{
    async fn next(&mut self) -> Result<bytes::Bytes, StorageError> {
        if self.bytes.is_none() {
            self.bytes = Some((self.reopen)(self.left).await?);
        }
        let bytes = self.bytes.as_mut().expect("opened above");
        let Some(mut chunk) = bytes.try_next().await? else {
            return Err(StorageError::Unavailable {
                action: "read",
                source: "the object ended early".into(),
            });
        };
        let length = (chunk.len() as u64).min(self.left.length);
        chunk.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        self.left.start += length;
        self.left.length -= length;
        self.failures = 0;
        Ok(chunk)
    }

    /// Prepares another try, or returns the error.
    async fn recover(&mut self, error: StorageError) -> Result<(), StorageError> {
        self.bytes = None;
        self.failures += 1;
        if self.failures > FAILURES || !matches!(error, StorageError::Unavailable { .. }) {
            return Err(error);
        }
        tracing::debug!(%error, offset = self.left.start, "continuing a broken read");
        sleep(PAUSE * (1 << (self.failures - 1))).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    fn broken() -> StorageError {
        StorageError::Unavailable {
            action: "read",
            source: "cut".into(),
        }
    }

    /// Gives at most five bytes, and then breaks off.
    fn opened(range: Range) -> ByteStream {
        let end = range.start + range.length.min(5);
        let bytes = (range.start..end).map(|at| u8::try_from(at).unwrap());
        let chunk = Ok(bytes.collect());
        Box::pin(stream::iter([chunk, Err(broken())]))
    }

    const ALL: Range = Range {
        start: 3,
        length: 22,
    };

    #[tokio::test]
    async fn each_break_is_continued_where_it_was() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let reopened = Arc::clone(&asked);
        let reopen = move |range: Range| {
            reopened.lock().unwrap().push((range.start, range.length));
            async move { Ok(opened(range)) }
        };
        let read: Vec<_> = resumed(opened(ALL), ALL, reopen)
            .try_collect()
            .await
            .unwrap();
        assert_eq!(read.concat(), (3..25).collect::<Vec<u8>>());
        let asked = asked.lock().unwrap().clone();
        assert_eq!(asked, [(8, 17), (13, 12), (18, 7), (23, 2)]);
    }

    #[tokio::test]
    async fn what_stays_broken_fails() {
        let opened = Arc::new(Mutex::new(0));
        let tries = Arc::clone(&opened);
        let reopen = move |_| {
            *tries.lock().unwrap() += 1;
            async { Err(broken()) }
        };
        let nothing: ByteStream = Box::pin(stream::empty());
        let read: Result<Vec<_>, _> = resumed(nothing, ALL, reopen).try_collect().await;
        assert!(matches!(read, Err(StorageError::Unavailable { .. })));
        assert_eq!(*opened.lock().unwrap(), FAILURES);
    }

    #[tokio::test]
    async fn an_object_that_is_gone_is_gone() {
        let url: url::Url = "s3://bucket/a".parse().unwrap();
        let gone = move |_| {
            let url = url.clone();
            async { Err(StorageError::NotFound { url }) }
        };
        let nothing: ByteStream = Box::pin(stream::empty());
        let read: Result<Vec<_>, _> = resumed(nothing, ALL, gone).try_collect().await;
        assert!(matches!(read, Err(StorageError::NotFound { .. })));
    }
}
