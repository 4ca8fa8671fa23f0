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
use crate::{SourceStream, StorageError, WriteError};

/// How many parts of one upload are under way at once.
const AT_ONCE: usize = 4;

/// What every upload may gather before it needs a buffer: many documents are smaller.
const WITHOUT_BUFFER: usize = 256 << 10;

/// How many buffers of the smallest part all uploads to one place have. Each is taken before it
/// is filled, and given back when its part was sent: this bounds memory where there are many.
const BUFFERS: u32 = 32;

/// What the uploads to one place share.
#[derive(Clone, Debug)]
pub(super) struct Uploads {
    buffers: Arc<Semaphore>,
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
        let buffers = Arc::new(Semaphore::new(BUFFERS as usize));
        Self { buffers }
    }

    /// Writes what `source` gives to `key`.
    pub(super) async fn put(
        &self,
        bucket: &Bucket,
        key: &str,
        source: SourceStream<'_>,
    ) -> Result<(), WriteError> {
        let mut parts = Parts::of(source);
        let head = parts
            .next(WITHOUT_BUFFER)
            .await
            .map_err(WriteError::Source)?;
        if parts.are_over().await.map_err(WriteError::Source)? {
            return Ok(put_whole(bucket, key, head).await?);
        }
        let buffer = self.buffer(1).await?;
        let first = parts.fill(head, part_size(1)).await;
        let first = first.map_err(WriteError::Source)?;
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
        match self.send_parts(sending, (first, buffer), parts).await {
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
        (first, buffer): (Bytes, OwnedSemaphorePermit),
        mut parts: Parts<'_>,
    ) -> Result<(Vec<CompletedPart>, u64), WriteError> {
        sending.send(1, first, buffer);
        let mut number = 1;
        while !parts.are_over().await.map_err(WriteError::Source)? {
            number += 1;
            sending.wait_for_turn().await?;
            let buffer = self.buffer(number).await?;
            let part = parts.next(part_size(number)).await;
            sending.send(number, part.map_err(WriteError::Source)?, buffer);
        }
        while let Some(ended) = sending.under_way.join_next().await {
            sending.sent.push(part_of(ended)?);
        }
        Ok((sending.sent, sending.size))
    }

    /// Waits for a buffer for the part with this number. Whoever waits holds none but those of
    /// parts that are being sent, so every upload gets on.
    async fn buffer(&self, number: i32) -> Result<OwnedSemaphorePermit, StorageError> {
        let smallest = part_size(number).div_ceil(part_size(1));
        let buffers = u32::try_from(smallest).unwrap_or(BUFFERS).min(BUFFERS);
        let buffer = Arc::clone(&self.buffers).acquire_many_owned(buffers);
        buffer.await.map_err(|closed| StorageError::Unavailable {
            action: "write a part",
            source: closed.into(),
        })
    }
}

impl Sending {
    /// Waits until another part of this upload may be under way.
    async fn wait_for_turn(&mut self) -> Result<(), StorageError> {
        while let Some(ended) = self.under_way.try_join_next() {
            self.sent.push(part_of(ended)?);
        }
        while self.under_way.len() >= AT_ONCE
            && let Some(ended) = self.under_way.join_next().await
        {
            self.sent.push(part_of(ended)?);
        }
        Ok(())
    }

    fn send(&mut self, number: i32, part: Bytes, buffer: OwnedSemaphorePermit) {
        self.size += part.len() as u64;
        let request = self.bucket.client.upload_part().bucket(&self.bucket.name);
        let request = request
            .key(&self.key)
            .upload_id(&self.upload)
            .part_number(number);
        self.under_way.spawn(async move {
            let outcome = request.body(part.into()).send().await;
            drop(buffer);
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;
    use futures::{FutureExt, StreamExt, stream};

    use super::*;
    use crate::StorageUrl;
    use crate::key::new_key;
    use domain::Timestamp;

    const CHUNK: usize = 64 << 10;
    const SENT: usize = 1 << 20;

    #[tokio::test]
    async fn no_more_is_gathered_at_once_than_there_are_buffers_for() {
        let url: StorageUrl = "s3://bucket/documents?endpoint=http://127.0.0.1:1"
            .parse()
            .unwrap();
        let credentials =
            aws_sdk_s3::config::Credentials::new("key", "secret", None, None, "tests");
        let storage = url.connect_as(Some(credentials)).await.unwrap();
        let gathered = AtomicUsize::new(0);
        let chunk = Bytes::from(vec![0; CHUNK]);
        let senders = BUFFERS as usize + 20;
        let uploads = (0..senders).map(|_| {
            // Each sends a part of a part, and then nothing more.
            let chunks = stream::repeat_with(|| {
                gathered.fetch_add(CHUNK, Ordering::Relaxed);
                Ok(chunk.clone())
            });
            let chunks = chunks.take(SENT / CHUNK).chain(stream::pending());
            let (storage, key) = (&storage, new_key(Timestamp::from_micros(0)));
            async move { storage.put(&key, Box::pin(chunks)).await }
        });
        assert!(join_all(uploads).now_or_never().is_none());
        // Who has no buffer has taken one chunk beyond what needs none, to see that it goes on.
        let waiting = 20 * (WITHOUT_BUFFER + CHUNK);
        let most = BUFFERS as usize * SENT + waiting;
        assert_eq!(gathered.load(Ordering::Relaxed), most);
    }
}
