//! Objects that grow: a multipart upload that several writers continue. Bytes that are too few for
//! a part are in an object of their own, the tail, which the next writer reads and replaces.
//!
//! No two writers use one part number for different bytes: each begins behind the parts that those
//! before it have recorded and those that they may have sent unrecorded (`Growing::skipped`). So a
//! writer who was cut off can't replace a part, and parts of other writers are left out when the
//! upload is completed, which removes them.

use async_trait::async_trait;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use url::Url;

use super::client::Bucket;
use super::listing::abort_all;
use super::multipart::{Multipart, abort, is_stored};
use super::outcome::{failed, is_missing, odd};
use super::upload::{Uploads, part_of_answer, put_whole};
use crate::key::{key_within, new_key, url_of};
use crate::parted::{Buffer, WITHOUT_BUFFER, part_size};
use crate::{Appender, Flush, Growing, StorageError, Writer};
use domain::{Timestamp, read_json};

/// The smallest part that the protocol accepts before another one.
const SMALLEST: usize = 5 << 20;

/// The highest part number of the protocol.
const MOST_PARTS: usize = 10_000;

/// What [`Growing::parts`] holds, as JSON.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Recorded {
    /// The multipart upload, once begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upload: Option<String>,
    /// Its parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parts: Vec<Part>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Part {
    n: i32,
    size: u64,
    tag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crc32: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crc64: Option<String>,
}

impl Recorded {
    fn of(growing: &Growing) -> Result<Self, StorageError> {
        if growing.parts.is_empty() {
            return Ok(Self::default());
        }
        read_json(growing.parts.as_bytes())
            .map_err(|_| odd("continue a write", "its recorded parts can't be read"))
    }

    fn length(&self) -> u64 {
        self.parts.iter().map(|part| part.size).sum()
    }

    fn completed(&self) -> CompletedMultipartUpload {
        let parts = self.parts.iter().map(|part| {
            CompletedPart::builder()
                .part_number(part.n)
                .set_e_tag(part.tag.clone())
                .set_checksum_crc32(part.crc32.clone())
                .set_checksum_crc64_nvme(part.crc64.clone())
                .build()
        });
        CompletedMultipartUpload::builder()
            .set_parts(Some(parts.collect()))
            .build()
    }
}

/// Where an object grows.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    /// The bucket.
    pub bucket: Bucket,
    /// The place in it.
    pub place: Url,
    /// The prefix of the place.
    pub prefix: String,
    /// The key of the object in the bucket.
    pub key: String,
    /// The buffers of the place.
    pub uploads: Uploads,
    /// Who writes.
    pub writer: Writer,
}

impl Spot {
    /// Continues the object.
    pub(super) async fn append(self, growing: &Growing) -> Result<S3Appender, StorageError> {
        let recorded = Recorded::of(growing)?;
        let mut appender = S3Appender {
            recorded,
            growing: growing.clone(),
            begun: None,
            part: BytesMut::new(),
            buffer: None,
            spot: self,
        };
        if growing.tail.is_some() {
            // The buffer first: very many requests may read tails.
            let length = growing.length.saturating_sub(appender.recorded.length());
            appender
                .hold(usize::try_from(length).unwrap_or(usize::MAX))
                .await?;
            let tail = appender.spot.read_tail(growing).await?;
            appender.part.extend_from_slice(&tail);
        }
        Ok(appender)
    }

    /// Makes it an object, and returns its URL.
    pub(super) async fn finish(&self, growing: &Growing) -> Result<Url, StorageError> {
        let mut recorded = Recorded::of(growing)?;
        let Some(upload) = recorded.upload.clone() else {
            if let Some(tail) = &growing.tail {
                return Ok(tail.clone());
            }
            put_whole(&self.bucket, &self.key, Bytes::new()).await?;
            return Ok(growing.url.clone());
        };
        if growing.tail.is_some() {
            let number = next_number(&recorded, growing)?;
            let _buffer = self.uploads.buffer(self.writer, number).await?;
            let tail = self.read_tail(growing).await?;
            match self.send(&upload, number, tail).await {
                Ok(part) => recorded.parts.push(part),
                Err(error) => return self.unless_stored(growing, error).await,
            }
        }
        let request = self.bucket.client.complete_multipart_upload();
        let request = request
            .bucket(&self.bucket.name)
            .key(&self.key)
            .upload_id(upload)
            .multipart_upload(recorded.completed());
        match request.send().await {
            Ok(_) => {
                // Writers who were cut off before their first part was recorded began others.
                if let Err(error) = abort_all(&self.bucket, &self.key).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::debug!(error, "failed to end other writes of an upload");
                }
                Ok(growing.url.clone())
            }
            Err(error) => {
                let missing = is_missing(&error);
                let error = if missing {
                    StorageError::NotFound {
                        url: growing.url.clone(),
                    }
                } else {
                    failed("complete a write", error)
                };
                self.unless_stored(growing, error).await
            }
        }
    }

    /// An attempt before this one may have completed the upload.
    async fn unless_stored(
        &self,
        growing: &Growing,
        error: StorageError,
    ) -> Result<Url, StorageError> {
        if is_stored(&self.bucket, &self.key, growing.length).await {
            return Ok(growing.url.clone());
        }
        Err(error)
    }

    /// Reads the bytes of the tail, which are few.
    async fn read_tail(&self, growing: &Growing) -> Result<Bytes, StorageError> {
        let gone = || StorageError::NotFound {
            url: growing.url.clone(),
        };
        let tail = growing.tail.as_ref().ok_or_else(gone)?;
        let key = key_within(&self.place, tail).ok_or_else(gone)?;
        let request = self.bucket.client.get_object().bucket(&self.bucket.name);
        let object = match request.key(format!("{}{key}", self.prefix)).send().await {
            Err(error) if is_missing(&error) => return Err(gone()),
            answer => answer.map_err(|error| failed("open", error))?,
        };
        let length = growing.length - Recorded::of(growing)?.length().min(growing.length);
        let expected = i64::try_from(length).ok();
        if object.content_length != expected || length > part_size(1) as u64 {
            return Err(odd("open", "the tail has another length than recorded"));
        }
        let body = object.body.collect().await;
        let body = body.map_err(|error| StorageError::Unavailable {
            action: "read",
            source: error.into(),
        })?;
        Ok(body.into_bytes())
    }

    async fn send(&self, upload: &str, number: i32, part: Bytes) -> Result<Part, StorageError> {
        let size = part.len() as u64;
        let request = self.bucket.client.upload_part().bucket(&self.bucket.name);
        let request = request
            .key(&self.key)
            .upload_id(upload)
            .part_number(number)
            .body(part.into());
        let answer = match request.send().await {
            Err(error) if is_missing(&error) => {
                let url = self.place.join(&self.key[self.prefix.len()..]);
                return Err(url.map_or_else(
                    |_| odd("write a part", "the upload is gone"),
                    |url| StorageError::NotFound { url },
                ));
            }
            answer => answer.map_err(|error| failed("write a part", error))?,
        };
        let sent = part_of_answer(number, answer);
        Ok(Part {
            n: number,
            size,
            tag: sent.e_tag,
            crc32: sent.checksum_crc32,
            crc64: sent.checksum_crc64_nvme,
        })
    }

    /// Writes the tail under a new key.
    async fn put_tail(&self, part: Bytes, now: Timestamp) -> Result<Url, StorageError> {
        let key = new_key(now);
        put_whole(&self.bucket, &format!("{}{key}", self.prefix), part).await?;
        Ok(url_of(&self.place, &key))
    }
}

/// Returns the number of the part after the recorded ones.
fn next_number(recorded: &Recorded, growing: &Growing) -> Result<i32, StorageError> {
    let number = recorded.parts.len() + 1 + growing.skipped as usize;
    if number > MOST_PARTS {
        return Err(odd("write a part", "the object has too many parts"));
    }
    Ok(i32::try_from(number).unwrap_or(i32::MAX))
}

/// Appends to a multipart upload.
pub(super) struct S3Appender {
    spot: Spot,
    growing: Growing,
    recorded: Recorded,
    /// The multipart upload, if this writer has begun it.
    begun: Option<String>,
    /// The bytes after the recorded parts, including those of the tail.
    part: BytesMut,
    buffer: Option<Buffer>,
}

impl S3Appender {
    /// Waits for a buffer if so many more bytes need one.
    async fn hold(&mut self, more: usize) -> Result<(), StorageError> {
        if self.buffer.is_none() && self.part.len() + more > WITHOUT_BUFFER {
            let number = next_number(&self.recorded, &self.growing)?;
            let buffer = self.spot.uploads.buffer(self.spot.writer, number).await?;
            self.buffer = Some(buffer);
        }
        Ok(())
    }

    async fn send_part(&mut self) -> Result<(), StorageError> {
        let upload = if let Some(upload) = &self.recorded.upload {
            upload.clone()
        } else {
            let begun = Multipart::begin(&self.spot.bucket, &self.spot.key).await?;
            // Known from now on by its key, which the ledger has.
            self.begun.insert(begun.keep()).clone()
        };
        let number = next_number(&self.recorded, &self.growing)?;
        let part = self.part.split().freeze();
        let sent = self.spot.send(&upload, number, part).await?;
        self.recorded.upload = Some(upload);
        self.recorded.parts.push(sent);
        self.growing.tail = None;
        self.buffer = None;
        Ok(())
    }
}

#[async_trait]
impl Appender for S3Appender {
    fn room(&self) -> usize {
        let number = next_number(&self.recorded, &self.growing).unwrap_or(1);
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
            self.recorded.upload.is_some() && !self.part.is_empty()
        } else {
            self.part.len() >= SMALLEST
        };
        if is_part {
            self.send_part().await?;
        } else if is_new {
            let part = self.part.split().freeze();
            self.growing.tail = Some(self.spot.put_tail(part.clone(), now).await?);
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
        if let Some(upload) = self.begun.take() {
            abort(&self.spot.bucket, &self.spot.key, &upload).await;
        }
    }
}
