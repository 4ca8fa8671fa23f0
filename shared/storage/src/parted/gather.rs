//! The beginning of a write of unknown length: whole if it is small, else its first part.

use bytes::Bytes;

use super::buffers::{Buffer, Buffers};
use super::parts::{Parts, part_size};
use crate::{SourceError, SourceStream, StorageError, WriteError, Writer};

/// The bytes that an upload may gather without a buffer: many documents are smaller.
pub(crate) const WITHOUT_BUFFER: usize = 256 << 10;

/// What a source begins with.
pub(crate) enum Gathered<'s> {
    /// All of it, with the buffer that it is in, if it needs one.
    Whole(Bytes, Option<Buffer>),
    /// A first part, and more.
    Begun {
        /// The first part.
        first: Bytes,
        /// Its buffer.
        buffer: Buffer,
        /// The rest.
        rest: Parts<'s>,
    },
}

/// Reads `source` up to the end of its first part.
pub(crate) async fn gather<'s>(
    buffers: &Buffers,
    source: SourceStream<'s>,
    writer: Writer,
) -> Result<Gathered<'s>, WriteError> {
    let mut parts = Parts::of(source);
    let head = parts
        .next(WITHOUT_BUFFER)
        .await
        .map_err(WriteError::Source)?;
    if parts.are_over().await.map_err(WriteError::Source)? {
        return Ok(Gathered::Whole(head, None));
    }
    let buffer = take_buffer(buffers, writer, 1).await?;
    let first = filled(&buffer, parts.fill(head, part_size(1))).await?;
    if filled(&buffer, parts.are_over()).await? {
        return Ok(Gathered::Whole(first, Some(buffer)));
    }
    Ok(Gathered::Begun {
        first,
        buffer,
        rest: parts,
    })
}

/// Waits for a buffer for the part with this number, from 1.
pub(crate) async fn take_buffer(
    buffers: &Buffers,
    writer: Writer,
    number: i32,
) -> Result<Buffer, StorageError> {
    let smallest = part_size(number).div_ceil(part_size(1));
    buffers.take(writer, smallest).await
}

/// Fills `buffer` from the source, unless it takes too long while others wait.
pub(crate) async fn filled<T>(
    buffer: &Buffer,
    filling: impl Future<Output = Result<T, SourceError>>,
) -> Result<T, WriteError> {
    tokio::select! {
        biased;
        filled = filling => filled.map_err(WriteError::Source),
        () = buffer.is_claimed() => Err(StorageError::SlowSource.into()),
    }
}
