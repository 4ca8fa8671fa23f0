//! Objects that grow: a multipart upload that several writers continue. Bytes that are too few for
//! a part are in an object of their own, the tail, which the next writer reads and replaces.
//!
//! No two writers use one part number for different bytes: each begins behind the parts that those
//! before it have recorded and those that they may have sent unrecorded (`Growing::skipped`). So a
//! writer who was cut off can't replace a part, and parts of other writers are left out when the
//! upload is completed, which removes them.

use async_trait::async_trait;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use url::Url;

use super::client::Bucket;
use super::listing::abort_all;
use super::multipart::{Multipart, abort, is_stored};
use super::outcome::{failed, is_missing, odd};
use super::reading::get;
use super::signed_body::BodyDigest;
use super::upload::{Uploads, part_of_answer, put_whole};
use crate::key::{key_within, new_key, url_of};
use crate::parted::{Buffer, PartAppender, PartStore, Recorded as _, next_number, read_tail};
use crate::{ByteStream, Growing, StorageError, Writer};
use domain::Timestamp;

/// What is recorded of the parts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Recorded {
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

impl crate::parted::Recorded for Recorded {
    fn count(&self) -> usize {
        self.parts.len()
    }

    fn length(&self) -> u64 {
        self.parts.iter().map(|part| part.size).sum()
    }
}

impl Recorded {
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
    pub(super) async fn append(
        self,
        growing: &Growing,
    ) -> Result<PartAppender<Self>, StorageError> {
        PartAppender::begin(self, growing, growing.skipped).await
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
            let number = next_number(&recorded, growing.skipped)?;
            let _buffer = self.buffer(number).await?;
            let tail = read_tail(self, growing).await?;
            match self.send_part(&upload, number, tail).await {
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

    async fn send_part(
        &self,
        upload: &str,
        number: i32,
        part: Bytes,
    ) -> Result<Part, StorageError> {
        let size = part.len() as u64;
        let digest = BodyDigest::of(&part).await;
        let request = self.bucket.client.upload_part().bucket(&self.bucket.name);
        let request = request
            .key(&self.key)
            .upload_id(upload)
            .part_number(number)
            .body(part.into())
            .customize()
            .interceptor(digest);
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
}

#[async_trait]
impl PartStore for Spot {
    type Recorded = Recorded;

    async fn send(
        &self,
        recorded: &mut Recorded,
        number: i32,
        part: Bytes,
    ) -> Result<(), StorageError> {
        let sent = if let Some(upload) = &recorded.upload {
            self.send_part(upload, number, part).await?
        } else {
            let begun = Multipart::begin(&self.bucket, &self.key).await?;
            let sent = self.send_part(begun.id(), number, part).await?;
            // Known from now on by its key, which the ledger has.
            recorded.upload = Some(begun.keep());
            sent
        };
        recorded.parts.push(sent);
        Ok(())
    }

    async fn open_tail(&self, tail: &Url) -> Result<ByteStream, StorageError> {
        let gone = || StorageError::NotFound { url: tail.clone() };
        let key = key_within(&self.place, tail).ok_or_else(gone)?;
        let key = format!("{}{key}", self.prefix);
        let (bytes, _) = get(&self.bucket, &key, tail, None).await?;
        Ok(bytes)
    }

    async fn put_tail(&self, part: Bytes, now: Timestamp) -> Result<Url, StorageError> {
        let key = new_key(now);
        put_whole(&self.bucket, &format!("{}{key}", self.prefix), part).await?;
        Ok(url_of(&self.place, &key))
    }

    async fn buffer(&self, number: i32) -> Result<Buffer, StorageError> {
        self.uploads.buffer(self.writer, number).await
    }

    async fn abandon(&self, before: &Recorded, now: &Recorded) {
        if let (None, Some(upload)) = (&before.upload, &now.upload) {
            abort(&self.bucket, &self.key, upload).await;
        }
    }
}
