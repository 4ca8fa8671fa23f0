//! Objects that grow in parts, for every object store. An adapter says how a part is written, and
//! how parts become an object. Bytes that are too few for a part are in an object of their own, the
//! tail, which the next writer reads and replaces.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::{Buffer, WITHOUT_BUFFER, part_size};
use crate::{Appender, ByteStream, Flush, Growing, StorageError};
use domain::{Timestamp, read_json};

/// The smallest part before another one: S3 accepts none below, and elsewhere objects would have
/// too many.
const SMALLEST: usize = 5 << 20;

/// The most parts of an object.
const MOST_PARTS: usize = 10_000;

/// What [`Growing::parts`] holds, as JSON.
pub(crate) trait Recorded:
    Clone + Default + Serialize + DeserializeOwned + Send + Sync
{
    /// Returns the number of parts.
    fn count(&self) -> usize;

    /// Returns the bytes of the parts.
    fn length(&self) -> u64;

    /// Reads what is recorded of an object.
    fn of(growing: &Growing) -> Result<Self, StorageError> {
        if growing.parts.is_empty() {
            return Ok(Self::default());
        }
        read_json(growing.parts.as_bytes())
            .map_err(|_| odd("continue a write", "its recorded parts can't be read"))
    }

    /// Returns how many bytes of an object are in its tail.
    fn tail_length(&self, growing: &Growing) -> u64 {
        growing.length.saturating_sub(self.length())
    }
}

/// Where the parts of one object go.
#[async_trait]
pub(crate) trait PartStore: Send + Sync {
    /// What is recorded of them.
    type Recorded: Recorded;

    /// Writes the next part, and adds it to the recorded ones.
    async fn send(
        &self,
        recorded: &mut Self::Recorded,
        number: i32,
        part: Bytes,
    ) -> Result<(), StorageError>;

    /// Opens the tail. Fails with [`StorageError::NotFound`] if it is gone.
    async fn open_tail(&self, tail: &Url) -> Result<ByteStream, StorageError>;

    /// Writes the tail under a new key.
    async fn put_tail(&self, part: Bytes, now: Timestamp) -> Result<Url, StorageError>;

    /// Waits for a buffer for the part with this number.
    async fn buffer(&self, number: i32) -> Result<Buffer, StorageError>;

    /// Removes what was begun between two states of which only `before` is recorded. What can't be
    /// removed is left to the sweep.
    async fn abandon(&self, _before: &Self::Recorded, _now: &Self::Recorded) {}
}

/// Returns the number of the part after the recorded ones; `unused` before it are not used.
pub(crate) fn next_number(recorded: &impl Recorded, unused: u32) -> Result<i32, StorageError> {
    let number = recorded.count() + 1 + unused as usize;
    if number > MOST_PARTS {
        return Err(odd("write a part", "the object has too many parts"));
    }
    Ok(i32::try_from(number).unwrap_or(i32::MAX))
}

/// Reads the bytes of the tail, which are few.
pub(crate) async fn read_tail<S: PartStore>(
    store: &S,
    growing: &Growing,
) -> Result<Bytes, StorageError> {
    let gone = || StorageError::NotFound {
        url: growing.url.clone(),
    };
    let tail = growing.tail.as_ref().ok_or_else(gone)?;
    let length = S::Recorded::of(growing)?.tail_length(growing);
    let other_length = || odd("open", "the tail has another length than recorded");
    let length = usize::try_from(length).map_err(|_| other_length())?;
    if length > part_size(1) {
        return Err(other_length());
    }
    let mut chunks = match store.open_tail(tail).await {
        Err(StorageError::NotFound { .. }) => return Err(gone()),
        opened => opened?,
    };
    let mut bytes = BytesMut::with_capacity(length);
    while let Some(chunk) = chunks.try_next().await? {
        if bytes.len() + chunk.len() > length {
            return Err(other_length());
        }
        bytes.extend_from_slice(&chunk);
    }
    if bytes.len() < length {
        return Err(other_length());
    }
    Ok(bytes.freeze())
}

/// Appends parts.
pub(crate) struct PartAppender<S: PartStore> {
    store: S,
    growing: Growing,
    /// The parts when it began, and with those that it has sent.
    before: S::Recorded,
    recorded: S::Recorded,
    /// The bytes after the recorded parts, including those of the tail.
    part: BytesMut,
    buffer: Option<Buffer>,
    /// Part numbers that other writers may have used; none where their names differ.
    unused: u32,
}

impl<S: PartStore> PartAppender<S> {
    /// Continues an object; `unused` part numbers are left out.
    pub(crate) async fn begin(
        store: S,
        growing: &Growing,
        unused: u32,
    ) -> Result<Self, StorageError> {
        let recorded = S::Recorded::of(growing)?;
        let mut appender = Self {
            store,
            before: recorded.clone(),
            recorded,
            growing: growing.clone(),
            part: BytesMut::new(),
            buffer: None,
            unused,
        };
        if growing.tail.is_some() {
            // The buffer first: very many requests may read tails.
            let length = appender.recorded.tail_length(growing);
            appender
                .hold(usize::try_from(length).unwrap_or(usize::MAX))
                .await?;
            let tail = read_tail(&appender.store, growing).await?;
            appender.part.extend_from_slice(&tail);
        }
        Ok(appender)
    }

    /// Waits for a buffer if so many more bytes need one.
    async fn hold(&mut self, more: usize) -> Result<(), StorageError> {
        if self.buffer.is_none() && self.part.len().saturating_add(more) > WITHOUT_BUFFER {
            let number = next_number(&self.recorded, self.unused)?;
            self.buffer = Some(self.store.buffer(number).await?);
        }
        Ok(())
    }

    async fn send_part(&mut self) -> Result<(), StorageError> {
        let number = next_number(&self.recorded, self.unused)?;
        let part = self.part.split().freeze();
        self.store.send(&mut self.recorded, number, part).await?;
        self.growing.tail = None;
        self.buffer = None;
        Ok(())
    }
}

#[async_trait]
impl<S: PartStore> Appender for PartAppender<S> {
    fn room(&self) -> usize {
        let number = next_number(&self.recorded, self.unused).unwrap_or(1);
        part_size(number).saturating_sub(self.part.len())
    }

    async fn push(&mut self, chunk: Bytes) -> Result<(), StorageError> {
        self.hold(chunk.len()).await?;
        self.part.extend_from_slice(&chunk);
        Ok(())
    }

    async fn flush(&mut self, flush: Flush, now: Timestamp) -> Result<Growing, StorageError> {
        let length = self.recorded.length() + self.part.len() as u64;
        let is_new = length > self.growing.length;
        let is_part = if flush == Flush::Last {
            // What is all of a small upload stays a tail: it has a key of its own. The key of the
            // upload is that of all its writers, and one that was cut off may still write.
            self.recorded.count() > 0 && !self.part.is_empty()
        } else {
            self.part.len() >= SMALLEST
        };
        if is_part {
            self.send_part().await?;
        } else if is_new {
            let part = self.part.split().freeze();
            self.growing.tail = Some(self.store.put_tail(part.clone(), now).await?);
            self.part = part.into();
        }
        self.growing.length = length;
        self.growing.parts = serde_json::to_string(&self.recorded)
            .map_err(|_| odd("write a part", "its parts can't be recorded"))?;
        Ok(self.growing.clone())
    }

    async fn is_claimed(&self) {
        match &self.buffer {
            Some(buffer) => buffer.is_claimed().await,
            None => std::future::pending::<()>().await,
        }
    }

    async fn abandon(&mut self) {
        self.store.abandon(&self.before, &self.recorded).await;
    }
}

fn odd(action: &'static str, what: &'static str) -> StorageError {
    StorageError::Unavailable {
        action,
        source: what.into(),
    }
}
