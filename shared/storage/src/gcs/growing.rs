//! Objects that grow: parts are objects of their own, of which one request after the other composes
//! the whole at the end. Their names have the fence of their writer, and lie in a folder that no key
//! names: `.dossier/parts/<key>/<fence>-<number>`. So nobody but the ledger's sweep of unfinished
//! uploads sees them, and a writer who was cut off can't replace a part of another one.
//!
//! A resumable session of the service isn't used for this: whoever knows it can continue it, also a
//! writer who was cut off.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

use super::bucket::Bucket;
use super::compose::compose_all;
use super::parts::{self, parts_folder};
use super::reading::get;
use super::upload::put_whole;
use crate::key::{key_within, new_key, url_of};
use crate::parted::{
    Buffer, Buffers, FencedParts, PartAppender, PartStore, Recorded as _, part_name, take_buffer,
};
use crate::rest::stream;
use crate::{ByteStream, Growing, StorageError, Writer};
use domain::{ByteSize, Timestamp};

/// Where an object grows.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    /// The bucket.
    pub bucket: Arc<Bucket>,
    /// The place in it.
    pub place: Url,
    /// The prefix of the place.
    pub prefix: String,
    /// The key of the object.
    pub key: String,
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
        let recorded = FencedParts::of(growing)?;
        let name = self.name_of(&self.key);
        if recorded.count() == 0 {
            if let Some(tail) = &growing.tail {
                return Ok(tail.clone());
            }
            put_whole(&self.bucket, &name, Bytes::new()).await?;
            return Ok(growing.url.clone());
        }
        let folder = parts_folder(&self.prefix, &self.key);
        let mut sources: Vec<_> = recorded
            .names()
            .map(|name| format!("{folder}{name}"))
            .collect();
        if let Some(tail) = &growing.tail {
            let key = key_within(&self.place, tail);
            let key = key.ok_or_else(|| StorageError::UnknownPlace { url: tail.clone() })?;
            sources.push(self.name_of(key));
        }
        let joined = format!("{folder}{:016x}-joined", self.fence);
        match compose_all(&self.bucket, sources, &joined, &name).await {
            Ok(Some(object)) if object.stat().size.bytes() == growing.length => {}
            outcome => {
                // Somebody else may have finished it, and removed its parts.
                let stat = self.bucket.stat(&name).await?;
                let size = stat.map(|stat| stat.size);
                if size != Some(ByteSize::new(growing.length)) {
                    outcome?;
                    return Err(StorageError::NotFound {
                        url: growing.url.clone(),
                    });
                }
            }
        }
        if let Err(error) = parts::remove(&self.bucket, &self.prefix, &self.key).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(
                error,
                "failed to remove the parts of an upload; a sweep will"
            );
        }
        Ok(growing.url.clone())
    }

    fn name_of(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
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
        let folder = parts_folder(&self.prefix, &self.key);
        let (size, name) = (part.len(), part_name(self.fence, number));
        put_whole(&self.bucket, &format!("{folder}{name}"), part).await?;
        recorded.add(self.fence, number, size);
        Ok(())
    }

    async fn open_tail(&self, tail: &Url) -> Result<ByteStream, StorageError> {
        let gone = || StorageError::NotFound { url: tail.clone() };
        let key = key_within(&self.place, tail).ok_or_else(gone)?;
        let (answer, _) = get(&self.bucket, &self.name_of(key), tail, None).await?;
        Ok(stream(answer))
    }

    async fn put_tail(&self, part: Bytes, now: Timestamp) -> Result<Url, StorageError> {
        let key = new_key(now);
        put_whole(&self.bucket, &self.name_of(&key), part).await?;
        Ok(url_of(&self.place, &key))
    }

    async fn buffer(&self, number: i32) -> Result<Buffer, StorageError> {
        take_buffer(&self.buffers, self.writer, number).await
    }
}
