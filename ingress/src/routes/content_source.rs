//! Streams content from storage as the client reads it, charged to the caller while in memory.

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};
use poem::http::Version;
use poem::{Body, Request};
use storage::{Range, StorageError, StorageRouter};
use tokio::sync::Semaphore;
use url::Url;

use crate::capacity::Ticket;
use crate::problem::Problem;

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
    ticket: Option<Ticket>,
    /// Whether its client can request much and read nothing. Over HTTP/1.1 that needs a connection
    /// for each response.
    is_stream: bool,
}

impl ContentSource {
    /// Creates the reader of `places` for `request`.
    pub(super) fn of(request: &Request, places: &StorageRouter) -> Self {
        Self {
            places: places.clone(),
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

    /// Opens a range of an object; `None` if the object does not exist.
    pub(super) async fn open(&self, url: &Url, part: Range) -> Result<Chunks, StorageError> {
        if !self.is_stream {
            return self.places.open(url, Some(part)).await;
        }
        let first = Range {
            length: part.length.min(FIRST),
            ..part
        };
        let begun = self.read_first(url, first).await?;
        let rest = Range {
            start: part.start + first.length,
            length: part.length - first.length,
        };
        let begun = stream::iter([Ok(begun)]);
        if rest.length == 0 {
            return Ok(begun.boxed());
        }
        let (places, url) = (self.places.clone(), url.clone());
        let rest = stream::once(async move { places.open(&url, Some(rest)).await });
        Ok(begun.chain(rest.try_flatten()).boxed())
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
