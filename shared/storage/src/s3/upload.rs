//! Writes an object of unknown length: one request if it is small, else parts in parallel.

use aws_sdk_s3::operation::upload_part::UploadPartOutput;
use aws_sdk_s3::types::CompletedPart;
use bytes::Bytes;
use tokio::task::{JoinError, JoinSet};

use super::client::{Bucket, written_as};
use super::multipart::Multipart;
use super::outcome::failed;
use super::signed_body::BodyDigest;
use crate::parted::{
    Buffer, BufferLimits, Buffers, Gathered, Parts, filled, gather, part_size, take_buffer,
};
use crate::{SourceStream, StorageError, WriteError, Writer};

/// Parts of one upload sent concurrently.
const AT_ONCE: usize = 4;

/// The state shared by uploads to one place.
#[derive(Clone, Debug)]
pub(super) struct Uploads {
    buffers: Buffers,
}

/// The parts of one upload.
struct Sending {
    bucket: Bucket,
    key: String,
    upload: String,
    writer: Writer,
    /// Parts being sent are aborted on drop.
    under_way: JoinSet<Result<CompletedPart, StorageError>>,
    sent: Vec<CompletedPart>,
    size: u64,
}

impl Uploads {
    /// Not started yet.
    pub(super) fn new() -> Self {
        Self::within(BufferLimits::default())
    }

    fn within(limits: BufferLimits) -> Self {
        let buffers = Buffers::new(limits);
        Self { buffers }
    }

    /// Writes `source` to `key`.
    pub(super) async fn put(
        &self,
        bucket: &Bucket,
        key: &str,
        source: SourceStream<'_>,
        writer: Writer,
    ) -> Result<(), WriteError> {
        let (first, buffer, parts) = match gather(&self.buffers, source, writer).await? {
            Gathered::Whole(bytes, _buffer) => return Ok(put_whole(bucket, key, bytes).await?),
            Gathered::Begun {
                first,
                buffer,
                rest,
            } => (first, buffer, rest),
        };
        let upload = Multipart::begin(bucket, key).await?;
        let sending = Sending {
            bucket: bucket.clone(),
            key: key.to_owned(),
            upload: upload.id().to_owned(),
            writer,
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

    /// Sends all parts, and returns them and their total size.
    async fn send_parts(
        &self,
        mut sending: Sending,
        (first, buffer): (Bytes, Buffer),
        mut parts: Parts<'_>,
    ) -> Result<(Vec<CompletedPart>, u64), WriteError> {
        sending.send(1, first, buffer);
        let mut number = 1;
        while !parts.are_over().await.map_err(WriteError::Source)? {
            number += 1;
            sending.wait_for_turn().await?;
            let buffer = take_buffer(&self.buffers, sending.writer, number).await?;
            let part = filled(&buffer, parts.next(part_size(number))).await?;
            sending.send(number, part, buffer);
        }
        while let Some(ended) = sending.under_way.join_next().await {
            sending.sent.push(part_of(ended)?);
        }
        Ok((sending.sent, sending.size))
    }

    /// Waits for a buffer for the part with this number.
    pub(super) async fn buffer(&self, writer: Writer, number: i32) -> Result<Buffer, StorageError> {
        take_buffer(&self.buffers, writer, number).await
    }
}

impl Sending {
    /// Waits until another part of this upload may be sent.
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

    fn send(&mut self, number: i32, part: Bytes, buffer: Buffer) {
        self.size += part.len() as u64;
        let request = self.bucket.client.upload_part().bucket(&self.bucket.name);
        let request = request
            .key(&self.key)
            .upload_id(&self.upload)
            .part_number(number);
        self.under_way.spawn(async move {
            let digest = BodyDigest::of(&part).await;
            let request = request.body(part.into()).customize().interceptor(digest);
            let outcome = request.send().await;
            drop(buffer);
            let answer = outcome.map_err(|error| failed("write a part", error))?;
            Ok(part_of_answer(number, answer))
        });
    }
}

/// The part that the service has confirmed.
pub(super) fn part_of_answer(number: i32, answer: UploadPartOutput) -> CompletedPart {
    CompletedPart::builder()
        .part_number(number)
        .set_e_tag(answer.e_tag)
        .set_checksum_crc32(answer.checksum_crc32)
        .set_checksum_crc64_nvme(answer.checksum_crc64_nvme)
        .build()
}

/// Writes a small object by one request.
pub(super) async fn put_whole(
    bucket: &Bucket,
    key: &str,
    bytes: Bytes,
) -> Result<(), StorageError> {
    let request = bucket.client.put_object().bucket(&bucket.name).key(key);
    let request = written_as!(bucket, request);
    let digest = BodyDigest::of(&bytes).await;
    let request = request.body(bytes.into()).customize();
    let outcome = request.interceptor(digest).send().await;
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
    use std::time::Duration;

    use futures::future::join_all;
    use futures::{FutureExt, StreamExt, stream};
    use uuid::Uuid;

    use super::*;
    use crate::parted::WITHOUT_BUFFER;
    use crate::{Checksums, S3Location, WrittenObjects};
    use domain::UserId;

    const CHUNK: usize = 64 << 10;
    const SENT: usize = 1 << 20;

    fn user(number: u128) -> Writer {
        Writer::User(UserId(Uuid::from_u128(number)))
    }

    /// Nothing listens there.
    async fn bucket() -> Bucket {
        let location = S3Location {
            bucket: "bucket".to_owned(),
            prefix: String::new(),
            endpoint: Some("http://127.0.0.1:1".parse().unwrap()),
            region: None,
            profile: None,
            path_style: true,
            checksums: Checksums::default(),
            written: WrittenObjects::default(),
        };
        let credentials =
            aws_sdk_s3::config::Credentials::new("key", "secret", None, None, "tests");
        Bucket::connect(&location, Some(credentials)).await
    }

    /// A part of a part, and then nothing more.
    fn stalling(gathered: &AtomicUsize) -> SourceStream<'_> {
        let chunk = Bytes::from(vec![0; CHUNK]);
        let chunks = stream::repeat_with(move || {
            gathered.fetch_add(CHUNK, Ordering::Relaxed);
            Ok(chunk.clone())
        });
        Box::pin(chunks.take(SENT / CHUNK).chain(stream::pending()))
    }

    #[tokio::test]
    async fn no_more_is_gathered_at_once_than_there_are_buffers_for() {
        let (bucket, uploads) = (bucket().await, Uploads::new());
        let BufferLimits { all, of_one, .. } = BufferLimits::default();
        for (writers, buffers) in [(1, of_one), (100, all)] {
            let gathered = AtomicUsize::new(0);
            let senders = buffers as usize + 20;
            let writing = (0..senders).map(|sender| {
                let writer = user(sender as u128 % writers);
                uploads.put(&bucket, "key", stalling(&gathered), writer)
            });
            assert!(join_all(writing).now_or_never().is_none());
            // Who has no buffer has taken one chunk beyond what needs none, to see that it goes on.
            let without = 20 * (WITHOUT_BUFFER + CHUNK);
            let most = buffers as usize * SENT + without;
            assert_eq!(gathered.load(Ordering::Relaxed), most, "{writers} writers");
        }
    }

    #[tokio::test]
    async fn slow_senders_end_where_others_wait() {
        let uploads = Uploads::within(BufferLimits {
            filling: Duration::from_millis(5),
            claim: Duration::from_millis(5),
            ..BufferLimits::default()
        });
        let bucket = bucket().await;
        let gathered = AtomicUsize::new(0);
        let all = BufferLimits::default().all;
        let slow = (0..u128::from(all))
            .map(|sender| Box::pin(uploads.put(&bucket, "key", stalling(&gathered), user(sender))));
        let mut slow = futures::future::select_all(slow);
        assert!((&mut slow).now_or_never().is_none());
        let quick = stream::iter([Ok(Bytes::from(vec![0; SENT]))]);
        let quick = uploads.put(&bucket, "key", Box::pin(quick), user(1_000));
        let (quick, (ended, _, left)) = tokio::join!(quick, slow);
        // It came as far as the bucket, which isn't there.
        assert!(matches!(
            quick,
            Err(WriteError::Storage(StorageError::Unavailable { .. }))
        ));
        assert!(matches!(
            ended,
            Err(WriteError::Storage(StorageError::SlowSource))
        ));
        assert_eq!(left.len(), all as usize - 1);
    }
}
