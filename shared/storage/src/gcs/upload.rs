//! Writes an object of unknown length: one request if it is small, else chunks of a session, one
//! after the other, while the next is gathered.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryFutureExt as _;
use http::Method;
use serde_json::json;
use uuid::Uuid;

use super::bucket::Bucket;
use super::outcome::refusal;
use super::session::{Session, TYPE};
use crate::parted::{
    Buffer, BufferLimits, Buffers, Gathered, Parts, filled, gather, part_size, take_buffer,
};
use crate::port::PRESIGNED_CACHE;
use crate::rest::{Call, Pieces, no_content};
use crate::{SourceStream, StorageError, WriteError, Writer};

/// The state shared by writes to one place.
#[derive(Debug)]
pub(super) struct Uploads {
    pub(super) buffers: Buffers,
}

impl Uploads {
    /// Not started yet.
    pub(super) fn new() -> Self {
        Self {
            buffers: Buffers::new(BufferLimits::default()),
        }
    }

    /// Writes `source` to the object `name`.
    pub(super) async fn put(
        &self,
        bucket: &Arc<Bucket>,
        name: &str,
        source: SourceStream<'_>,
        writer: Writer,
    ) -> Result<(), WriteError> {
        let (first, buffer, rest) = match gather(&self.buffers, source, writer).await? {
            Gathered::Whole(bytes, _buffer) => {
                return Ok(put_whole(bucket, name, bytes).await?);
            }
            Gathered::Begun {
                first,
                buffer,
                rest,
            } => (first, buffer, rest),
        };
        let session = Session::begin(bucket, name).await?;
        match self.send(&session, (first, buffer), rest, writer).await {
            Ok((start, last, _buffer)) => Ok(session.complete(start, last).await?),
            Err(error) => {
                session.cancel().await;
                Err(error)
            }
        }
    }

    /// Sends all chunks but the last, which it returns with its offset and buffer.
    async fn send(
        &self,
        session: &Session,
        (first, buffer): (Bytes, Buffer),
        mut parts: Parts<'_>,
        writer: Writer,
    ) -> Result<(u64, Bytes, Buffer), WriteError> {
        let (mut start, mut chunk, mut buffer, mut number) = (0, first, buffer, 1);
        while !filled(&buffer, parts.are_over()).await? {
            number += 1;
            let length = chunk.len() as u64;
            let sending = async {
                session.send(start, chunk).await?;
                drop(buffer);
                Ok(())
            };
            let gathering = async {
                let buffer = take_buffer(&self.buffers, writer, number).await?;
                let chunk = filled(&buffer, parts.next(part_size(number))).await?;
                Ok::<_, WriteError>((chunk, buffer))
            };
            let sending = sending.map_err(|error: StorageError| WriteError::from(error));
            ((), (chunk, buffer)) = futures::try_join!(sending, gathering)?;
            start += length;
        }
        Ok((start, chunk, buffer))
    }
}

/// The request that writes an object of one chunk, with its metadata.
pub(super) fn whole(bucket: &Bucket, name: &str, content_type: &str, bytes: Bytes) -> Call {
    whole_if(bucket, &[], (name, content_type), bytes)
}

/// As [`whole`], with query parameters.
pub(super) fn whole_if(
    bucket: &Bucket,
    parameters: &[(&str, &str)],
    (name, content_type): (&str, &str),
    bytes: Bytes,
) -> Call {
    let mut all = vec![("uploadType", "multipart")];
    all.extend_from_slice(parameters);
    // No content has it: it is random.
    let boundary = Uuid::new_v4().simple().to_string();
    let metadata =
        json!({"name": name, "cacheControl": PRESIGNED_CACHE, "contentType": content_type});
    let head = format!(
        "--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{metadata}\r\n\
         --{boundary}\r\nContent-Type: {content_type}\r\n\r\n"
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let body = Pieces::from([Bytes::from(head), bytes, Bytes::from(tail)]);
    Call::new("write", Method::POST, bucket.upload_url(&all))
        .header(
            "content-type",
            format!("multipart/related; boundary={boundary}"),
        )
        .body(body)
}

/// Writes an object of one chunk.
pub(super) async fn put_whole(
    bucket: &Bucket,
    name: &str,
    bytes: Bytes,
) -> Result<(), StorageError> {
    let call = whole(bucket, name, TYPE, bytes);
    let answer = bucket.send(&call).await?;
    if !answer.status().is_success() {
        return Err(refusal(call.action, answer).await);
    }
    no_content(call.action, answer).await
}
