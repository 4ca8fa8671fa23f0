//! Writing an object of unknown length: one request if it is small, else parts in parallel.

use std::sync::Arc;

use aws_sdk_s3::types::CompletedPart;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};

use super::client::Bucket;
use super::multipart::Multipart;
use super::outcome::failed;
use super::parts::{Parts, part_size};
use crate::storage::{SourceStream, StorageError, WriteError};

/// How many parts of one upload are under way at once.
const AT_ONCE: usize = 4;

/// How many parts of all uploads are under way beyond the first of each: this bounds memory
/// where there are many.
const BEYOND_THE_FIRST: usize = 16;

/// What the uploads to one place share.
#[derive(Clone, Debug)]
pub(super) struct Uploads {
    beyond_the_first: Arc<Semaphore>,
}

/// The parts of one upload.
struct Sending {
    bucket: Bucket,
    key: String,
    upload: String,
    /// Those under way end when this is dropped.
    under_way: JoinSet<Result<CompletedPart, StorageError>>,
    sent: Vec<CompletedPart>,
    size: u64,
}

impl Uploads {
    /// No upload yet.
    pub(super) fn new() -> Self {
        let beyond_the_first = Arc::new(Semaphore::new(BEYOND_THE_FIRST));
        Self { beyond_the_first }
    }

    /// Writes what `source` gives to `key`.
    pub(super) async fn put(
        &self,
        bucket: &Bucket,
        key: &str,
        source: SourceStream<'_>,
    ) -> Result<(), WriteError> {
        let mut parts = Parts::of(source);
        let first = parts.next(part_size(1)).await.map_err(WriteError::Source)?;
        if parts.are_over().await.map_err(WriteError::Source)? {
            return Ok(put_whole(bucket, key, first).await?);
        }
        let upload = Multipart::begin(bucket, key).await?;
        let sending = Sending {
            bucket: bucket.clone(),
            key: key.to_owned(),
            upload: upload.id().to_owned(),
            under_way: JoinSet::new(),
            sent: Vec::new(),
            size: 0,
        };
        match self.send_parts(sending, first, parts).await {
            Ok((sent, size)) => Ok(upload.complete(sent, size).await?),
            Err(error) => {
                upload.abort().await;
                Err(error)
            }
        }
    }

    /// Sends all parts, and returns them and how many bytes they have.
    async fn send_parts(
        &self,
        mut sending: Sending,
        first: Bytes,
        mut parts: Parts<'_>,
    ) -> Result<(Vec<CompletedPart>, u64), WriteError> {
        let (mut number, mut part) = (1, first);
        while !part.is_empty() {
            let permit = self.wait_for_room(&mut sending).await?;
            sending.send(number, part, permit);
            number += 1;
            part = parts
                .next(part_size(number))
                .await
                .map_err(WriteError::Source)?;
        }
        while let Some(ended) = sending.under_way.join_next().await {
            sending.sent.push(part_of(ended)?);
        }
        Ok((sending.sent, sending.size))
    }

    /// Waits until another part may be under way. One needs no permit: every upload gets on.
    async fn wait_for_room(
        &self,
        sending: &mut Sending,
    ) -> Result<Option<OwnedSemaphorePermit>, StorageError> {
        while let Some(ended) = sending.under_way.try_join_next() {
            sending.sent.push(part_of(ended)?);
        }
        while !sending.under_way.is_empty() {
            if sending.under_way.len() < AT_ONCE
                && let Ok(permit) = Arc::clone(&self.beyond_the_first).try_acquire_owned()
            {
                return Ok(Some(permit));
            }
            if let Some(ended) = sending.under_way.join_next().await {
                sending.sent.push(part_of(ended)?);
            }
        }
        Ok(None)
    }
}

impl Sending {
    fn send(&mut self, number: i32, part: Bytes, permit: Option<OwnedSemaphorePermit>) {
        self.size += part.len() as u64;
        let request = self.bucket.client.upload_part().bucket(&self.bucket.name);
        let request = request
            .key(&self.key)
            .upload_id(&self.upload)
            .part_number(number);
        self.under_way.spawn(async move {
            let outcome = request.body(part.into()).send().await;
            drop(permit);
            let answer = outcome.map_err(|error| failed("write a part", error))?;
            Ok(CompletedPart::builder()
                .part_number(number)
                .set_e_tag(answer.e_tag)
                .set_checksum_crc32(answer.checksum_crc32)
                .set_checksum_crc64_nvme(answer.checksum_crc64_nvme)
                .build())
        });
    }
}

async fn put_whole(bucket: &Bucket, key: &str, bytes: Bytes) -> Result<(), StorageError> {
    let request = bucket.client.put_object().bucket(&bucket.name).key(key);
    let outcome = request.body(bytes.into()).send().await;
    outcome.map(drop).map_err(|error| failed("write", error))
}

fn part_of(
    ended: Result<Result<CompletedPart, StorageError>, JoinError>,
) -> Result<CompletedPart, StorageError> {
    ended.unwrap_or_else(|panicked| {
        Err(StorageError::Unavailable {
            action: "write a part",
            source: panicked.into(),
        })
    })
}
