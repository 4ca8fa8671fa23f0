//! Streams the bytes of one upload into staging, within its bounds, and checks them against their digests.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::{ByteSize, MediaType, Timestamp};
use futures::{Stream, StreamExt, TryStreamExt};
use storage::{SourceError, SourceStream, StorageRouter, WriteError, Writer};

use super::declared::too_large;
use super::digest_field::Digests;
use super::fields::Fields;
use super::in_flight::Held;
use super::inline::InlinePermit;
use super::staged::StagedBytes;
use crate::problem::{Code, Problem};

/// Where and how an upload is staged.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The places in use.
    pub places: StorageRouter,
    /// On whose behalf the bytes are written.
    pub writer: Writer,
    /// The current time.
    pub now: Timestamp,
    /// The timeout of the whole body.
    pub patience: Duration,
    /// Counts its bytes as they arrive.
    pub held: Held,
    /// Memory for it, if it is to be accepted from there should it be small.
    pub inline: Option<Arc<InlinePermit>>,
}

/// A complete upload. Its bytes are durable in staging, or few and in memory.
#[derive(Debug)]
pub struct Received {
    /// The bytes.
    pub bytes: StagedBytes,
    /// The declared media type.
    pub declared_type: Option<MediaType>,
    /// The other fields.
    pub fields: Fields,
}

impl Destination {
    /// Stages a document of at most `max` bytes that must match `digests`.
    pub(super) async fn stage<S>(
        &self,
        bytes: S,
        max: ByteSize,
        digests: &Digests,
    ) -> Result<StagedBytes, Problem>
    where
        S: Stream<Item = Result<Bytes, Problem>> + Send,
    {
        let writer = self.writer;
        let bytes = bounded(bytes, max, &self.held);
        let staged = match &self.inline {
            Some(inline) => {
                let most = inline.most;
                self.places.receive_for(writer, self.now, bytes, most).await
            }
            None => self.places.stage_for(writer, self.now, bytes).await,
        };
        let staged = staged.map_err(write_error)?;
        let (places, held) = (self.places.clone(), self.held.clone());
        let staged = StagedBytes::new(places, staged, held, self.inline.clone());
        if digests.match_with(staged.staged().sha256) {
            Ok(staged)
        } else {
            Err(Code::DigestMismatch.into())
        }
    }
}

/// Passes `bytes` through until they exceed `max` or their owner's limits.
fn bounded<'a>(
    bytes: impl Stream<Item = Result<Bytes, Problem>> + Send + 'a,
    max: ByteSize,
    held: &'a Held,
) -> SourceStream<'a> {
    let mut left = max.bytes();
    let bounded = bytes.map(move |chunk| {
        let chunk = chunk?;
        left = left
            .checked_sub(chunk.len() as u64)
            .ok_or_else(|| too_large(max))?;
        Ok::<_, Problem>(chunk)
    });
    let held = bounded.and_then(move |chunk: Bytes| async move {
        held.arrived(chunk.len()).await?;
        Ok(chunk)
    });
    Box::pin(held.map_err(SourceError::from))
}

/// Maps a failed write: because of the sender or the storage.
fn write_error(error: WriteError) -> Problem {
    match error {
        WriteError::Source(source) => match source.downcast::<Problem>() {
            Ok(problem) => *problem,
            Err(source) => Problem::from(Code::UploadIncomplete).because(source),
        },
        WriteError::Storage(error) => error.into(),
    }
}

#[cfg(test)]
impl Destination {
    /// Stages some bytes.
    pub(crate) async fn stage_for_tests(&self, bytes: &'static [u8]) -> StagedBytes {
        let chunk = futures::stream::iter([Ok(Bytes::from_static(bytes))]);
        let staged = self
            .stage(chunk, ByteSize::new(1000), &Digests::default())
            .await;
        staged.unwrap()
    }
}
