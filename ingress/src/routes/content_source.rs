//! Streams content from storage as the client reads it, charged to the caller while in memory.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use domain::{ByteSize, Sha256};
use futures::stream::{self, BoxStream};
use futures::{FutureExt, Stream, StreamExt, TryStreamExt};
use ledger::{Database, find_content};
use poem::http::Version;
use poem::{Body, Request};
use storage::{FindMoved, Range, StorageError, StorageRouter};
use tokio::sync::Semaphore;
use url::Url;

use crate::capacity::Ticket;
use crate::problem::Problem;
use crate::service::Service;

/// The largest read of storage.
const CHUNK: u64 = 256 << 10;
/// The first read of an HTTP/2 stream; storage stays closed until the client has read it.
const FIRST: u64 = 16 << 10;
/// Chunks up to this length are not charged: the number of requests bounds them.
const SMALL: u64 = 16 << 10;
/// Concurrent first reads: a connection may request very many.
const FIRST_AT_ONCE: usize = 32;

static FIRST_READINGS: Semaphore = Semaphore::const_new(FIRST_AT_ONCE);

pub(super) type Chunks = BoxStream<'static, Result<Bytes, StorageError>>;

/// The reader of one request.
#[derive(Clone)]
pub(super) struct ContentSource {
    places: StorageRouter,
    /// Where its content is, if that was moved.
    moved: FindMoved,
    ticket: Option<Ticket>,
    /// Whether its client can request much and read nothing. Over HTTP/1.1 that needs a connection
    /// for each response.
    is_stream: bool,
}

impl ContentSource {
    /// Creates the reader of content with this digest and size for `request`.
    pub(super) fn of(request: &Request, service: &Service, content: (Sha256, ByteSize)) -> Self {
        Self {
            places: service.places.clone(),
            moved: moved(&service.db, content),
            ticket: Ticket::of(request).cloned(),
            is_stream: request.version() == Version::HTTP_2,
        }
    }

    /// Waits for memory for the first bytes of a response of this length.
    pub(super) async fn await_room(&self, length: u64) -> Result<(), Problem> {
        match &self.ticket {
            Some(ticket) if length > SMALL => ticket.await_room(length.min(CHUNK)).await,
            _ => Ok(()),
        }
    }

    /// Opens a range of an object. If it is moved before it was read to its end, its rest is read
    /// where it is then.
    pub(super) async fn open(&self, url: &Url, part: Range) -> Result<Chunks, StorageError> {
        if !self.is_stream {
            let chunks = self.places.open(url, Some(part)).await?;
            return Ok(self.places.following(chunks, (url, part), &self.moved));
        }
        let first = Range {
            length: part.length.min(FIRST),
            ..part
        };
        let begun = self.read_first(url, first).await?;
        Ok(self.after(begun, url, part))
    }

    /// Opens a later range of an object, which may have been moved since the first one was opened.
    pub(super) async fn open_later(&self, url: &Url, part: Range) -> Result<Chunks, StorageError> {
        if !self.is_stream {
            return self.places.open_moved(url, part, &self.moved).await;
        }
        match self.open(url, part).await {
            Err(error @ StorageError::NotFound { .. }) => {
                let moved = (self.moved)().await.filter(|moved| moved != url);
                self.open(&moved.ok_or(error)?, part).await
            }
            opened => opened,
        }
    }

    /// Returns what was read of a range, and its rest, which is opened once that is sent.
    fn after(&self, begun: Bytes, url: &Url, part: Range) -> Chunks {
        let length = begun.len() as u64;
        let rest = Range {
            start: part.start + length,
            length: part.length.saturating_sub(length),
        };
        let begun = stream::iter([Ok(begun)]);
        if rest.length == 0 {
            return begun.boxed();
        }
        let (source, url) = (self.clone(), url.clone());
        let rest = stream::once(async move {
            let places = &source.places;
            places.open_moved(&url, rest, &source.moved).await
        });
        begun.chain(rest.try_flatten()).boxed()
    }

    /// Reads a small range, with bounded concurrency.
    pub(super) async fn read_first(&self, url: &Url, part: Range) -> Result<Bytes, StorageError> {
        // It is never closed.
        let _turn = FIRST_READINGS.acquire().await;
        let mut chunks = self.places.open(url, Some(part)).await?;
        let mut read = BytesMut::new();
        while let Some(chunk) = chunks.try_next().await? {
            read.extend_from_slice(&chunk);
        }
        Ok(read.freeze())
    }

    /// Converts chunks to a body. An error ends the connection, so that no client takes half for
    /// the whole.
    pub(super) fn body(&self, chunks: Chunks, length: u64) -> Body {
        let chunks = chunks.inspect_err(|error| {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "download interrupted"
            );
        });
        let chunks = chunks.map_err(std::io::Error::other);
        match self.ticket.clone() {
            Some(ticket) if length > SMALL => {
                let chunk = length.min(CHUNK);
                Body::from_bytes_stream(accounted(chunks.boxed(), (ticket, chunk)))
            }
            _ => Body::from_bytes_stream(chunks),
        }
    }
}

/// Looks up where content is.
fn moved(db: &Database, (sha256, size): (Sha256, ByteSize)) -> FindMoved {
    let db = db.clone();
    Arc::new(move || {
        let db = db.clone();
        let find = async move {
            let found = find_content(&db, sha256, size).await;
            found.unwrap_or_else(|error| {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "failed to look up where content was moved");
                None
            })
        };
        find.boxed()
    })
}

/// Reads a chunk once there is memory for it, and holds the memory until it is sent.
fn accounted(
    chunks: BoxStream<'static, std::io::Result<Bytes>>,
    (ticket, most): (Ticket, u64),
) -> impl Stream<Item = std::io::Result<Bytes>> {
    stream::try_unfold((chunks, ticket), move |(mut chunks, ticket)| async move {
        let room = ticket.hold_answer(most).await;
        let room = room.map_err(|_| std::io::ErrorKind::TimedOut)?;
        let Some(chunk) = chunks.try_next().await? else {
            return Ok(None);
        };
        Ok(Some((room.around(chunk), (chunks, ticket))))
    })
}
