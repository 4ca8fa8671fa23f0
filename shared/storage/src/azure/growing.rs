//! Objects that grow: blocks that several writers send, and that one request makes a blob. Their
//! ids have the fence of their writer. Other blocks, of writers who were cut off, are dropped by that
//! request, and change nothing of the blob if they come later.
//!
//! The service drops blocks a week after the last one was sent.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use url::Url;

use super::blocks::{created, put_block, put_block_list, put_whole};
use super::container::Container;
use super::copy::is_partial;
use super::outcome::is_missing;
use super::reading::get;
use super::unfinished::is_placeholder;
use crate::key::{key_within, new_key, url_of};
use crate::parted::{
    Buffer, Buffers, FencedParts, PartAppender, PartStore, Recorded as _, next_number, part_name,
    read_tail, take_buffer,
};
use crate::rest::{header, length, no_content, stream};
use crate::{ByteStream, Growing, StorageError, Writer};
use domain::Timestamp;

/// Where an object grows.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    /// The container.
    pub container: Arc<Container>,
    /// The place in it.
    pub place: Url,
    /// The prefix of the place.
    pub prefix: String,
    /// The name of the blob.
    pub name: String,
    /// The buffers of the place.
    pub buffers: Buffers,
    /// Who writes.
    pub writer: Writer,
    /// The fence of whoever writes.
    pub fence: u64,
}

impl Spot {
    /// Continues the object.
    pub(super) async fn append(
        self,
        growing: &Growing,
    ) -> Result<PartAppender<Self>, StorageError> {
        PartAppender::begin(self, growing, 0).await
    }

    /// Makes it an object, and returns its URL.
    pub(super) async fn finish(&self, growing: &Growing) -> Result<Url, StorageError> {
        let mut recorded = FencedParts::of(growing)?;
        if recorded.count() == 0 {
            if let Some(tail) = &growing.tail {
                return Ok(tail.clone());
            }
            put_whole(&self.container, &self.name, Bytes::new()).await?;
            return Ok(growing.url.clone());
        }
        if growing.tail.is_some() {
            let number = next_number(&recorded, 0)?;
            let _buffer = self.buffer(number).await?;
            let tail = read_tail(self, growing).await?;
            self.send(&mut recorded, number, tail).await?;
        }
        let ids = recorded.names().map(|name| STANDARD.encode(name));
        let answer = put_block_list(&self.container, &self.name, ids).await?;
        let is_lost =
            is_missing(&answer) || header(&answer, "x-ms-error-code") == Some("InvalidBlockList");
        let error = match created("complete a write", answer).await {
            Ok(()) => return Ok(growing.url.clone()),
            Err(_) if is_lost => StorageError::NotFound {
                url: growing.url.clone(),
            },
            Err(error) => error,
        };
        // Somebody else may have finished it, with the same tail under another id.
        if self.is_stored(growing.length).await? {
            return Ok(growing.url.clone());
        }
        Err(error)
    }

    /// Returns whether there is a blob with `size` bytes.
    async fn is_stored(&self, size: u64) -> Result<bool, StorageError> {
        let call = self.container.call("look", Method::HEAD, &self.name);
        let answer = self.container.send(&call).await?;
        let is_whole = answer.status().is_success()
            && !is_placeholder(&answer)
            && !is_partial(&answer)
            && length(&answer) == Some(size);
        no_content(call.action, answer).await?;
        Ok(is_whole)
    }
}

#[async_trait]
impl PartStore for Spot {
    type Recorded = FencedParts;

    async fn send(
        &self,
        recorded: &mut FencedParts,
        number: i32,
        part: Bytes,
    ) -> Result<(), StorageError> {
        let (size, id) = (part.len(), STANDARD.encode(part_name(self.fence, number)));
        put_block(&self.container, &self.name, &id, part).await?;
        recorded.add(self.fence, number, size);
        Ok(())
    }

    async fn open_tail(&self, tail: &Url) -> Result<ByteStream, StorageError> {
        let gone = || StorageError::NotFound { url: tail.clone() };
        let key = key_within(&self.place, tail).ok_or_else(gone)?;
        let name = format!("{}{key}", self.prefix);
        let (answer, _) = get(&self.container, &name, tail, None).await?;
        Ok(stream(answer))
    }

    async fn put_tail(&self, part: Bytes, now: Timestamp) -> Result<Url, StorageError> {
        let key = new_key(now);
        put_whole(&self.container, &format!("{}{key}", self.prefix), part).await?;
        Ok(url_of(&self.place, &key))
    }

    async fn buffer(&self, number: i32) -> Result<Buffer, StorageError> {
        take_buffer(&self.buffers, self.writer, number).await
    }
}
