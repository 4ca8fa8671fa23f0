//! Compresses a large document into the archive: on blocking threads, hashing its bytes and
//! resuming reads that storage cut off.

use std::time::Duration;

use archive::{EntryHeader, OpenEntry, Writer};
use bytes::Bytes;
use domain::{Hasher, ItemCode};
use futures::TryStreamExt;
use ledger::{DbError, ExportContent, find_content};
use storage::{ByteStream, Range, StorageError};
use tokio::time::sleep;
use url::Url;

use super::pieces::Pieces;
use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// The pauses before an interrupted read is resumed.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// An entry being compressed; it moves to a blocking thread and back.
struct Packing {
    writer: Writer,
    open: OpenEntry,
    hasher: Hasher,
}

/// Compresses a document. If its bytes are missing or don't match their digest, it is left out of
/// the directory; the bytes already written remain unreferenced.
pub async fn pack(
    writer: &mut Writer,
    header: &EntryHeader<'_>,
    content: &ExportContent,
    tools: &Tools,
    pieces: &Pieces,
) -> Result<Result<(), ItemCode>, AttemptError> {
    let (open, out) = writer.begin(header);
    pieces.send(out.into()).await?;
    let mut packing = Packing {
        writer: std::mem::take(writer),
        open,
        hasher: Hasher::default(),
    };
    let mut reading = Reading::of(content, tools);
    let failure = loop {
        match reading.next().await? {
            Ok(Some(chunk)) => {
                let packed = tokio::task::spawn_blocking(move || packing.take(&chunk)).await;
                let (back, out) = packed.map_err(AttemptError::internal)?;
                packing = back;
                if !out.is_empty() {
                    pieces.send(out.into()).await?;
                }
            }
            Ok(None) => break None,
            Err(StorageError::NotFound { .. }) => break Some(ItemCode::NotFound),
            Err(error) => return Err(error.into()),
        }
    };
    let Packing {
        writer: back,
        open,
        hasher,
    } = packing;
    *writer = back;
    if failure.is_none()
        && hasher.finish() == content.sha256
        && let Ok(out) = writer.end(open)
    {
        pieces.send(out.into()).await?;
        return Ok(Ok(()));
    }
    Ok(Err(failure.unwrap_or(ItemCode::DigestMismatch)))
}

impl Packing {
    fn take(mut self, chunk: &[u8]) -> (Self, Vec<u8>) {
        self.hasher.update(chunk);
        let out = self.writer.write(&mut self.open, chunk);
        (self, out)
    }
}

/// Reads a document to its end, resuming as often as allowed.
struct Reading<'a> {
    content: &'a ExportContent,
    /// Where it is, as far as it is known.
    location: Url,
    tools: &'a Tools,
    chunks: Option<ByteStream>,
    read: u64,
    failures: usize,
}

impl<'a> Reading<'a> {
    fn of(content: &'a ExportContent, tools: &'a Tools) -> Self {
        Self {
            content,
            location: content.location.clone(),
            tools,
            chunks: None,
            read: 0,
            failures: 0,
        }
    }

    async fn next(&mut self) -> Result<Result<Option<Bytes>, StorageError>, DbError> {
        loop {
            match self.try_next().await {
                Ok(Some(chunk)) => {
                    self.read += chunk.len() as u64;
                    self.failures = 0;
                    return Ok(Ok(Some(chunk)));
                }
                Err(StorageError::Unavailable { .. }) if self.failures < PAUSES.len() => {
                    sleep(PAUSES[self.failures]).await;
                    self.failures += 1;
                    self.chunks = None;
                }
                Err(StorageError::NotFound { .. }) if self.is_moved().await? => {
                    self.chunks = None;
                }
                answer => return Ok(answer),
            }
        }
    }

    /// Returns whether it is elsewhere now.
    async fn is_moved(&mut self) -> Result<bool, DbError> {
        let ExportContent { sha256, size, .. } = self.content;
        let found = find_content(&self.tools.db, *sha256, *size).await?;
        let moved = found.filter(|url| *url != self.location);
        let is_moved = moved.is_some();
        self.location = moved.unwrap_or_else(|| self.location.clone());
        Ok(is_moved)
    }

    async fn try_next(&mut self) -> Result<Option<Bytes>, StorageError> {
        if let Some(chunks) = &mut self.chunks {
            return chunks.try_next().await;
        }
        let left = self.content.size.bytes().saturating_sub(self.read);
        if left == 0 {
            return Ok(None);
        }
        let range = Range {
            start: self.read,
            length: left,
        };
        let range = Some(range).filter(|range| range.start > 0);
        let places = &self.tools.places;
        let chunks = places.open(&self.location, range).await?;
        self.chunks.insert(chunks).try_next().await
    }
}
