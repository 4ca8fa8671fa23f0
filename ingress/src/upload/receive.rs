//! Reads an upload to its end: streams the bytes into staging, and tells what came.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use domain::{ByteSize, MediaType, Timestamp};
use futures::{Stream, StreamExt, TryStreamExt};
use storage::{Places, SourceError, SourceStream, WriteError};

use tokio::time::timeout;

use super::declared::{Form, Upload};
use super::fields::{Fields, Origin, Purpose};
use super::staged::StagedBytes;
use super::{Digests, form};
use crate::in_flight::Held;
use crate::problem::{Code, Problem};
use crate::server::BodyStalled;

/// Where an upload goes, and when it came.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The places in use.
    pub places: Places,
    /// The present moment.
    pub now: Timestamp,
    /// How long the whole body may take.
    pub patience: Duration,
    /// What its bytes are counted by as they arrive.
    pub held: Held,
}

/// An upload that came in whole. Its bytes are durable in staging.
#[derive(Debug)]
pub struct Received {
    /// The bytes.
    pub bytes: StagedBytes,
    /// What the client says they are.
    pub declared_type: Option<MediaType>,
    /// What else was said of them.
    pub fields: Fields,
}

impl Destination {
    /// Stages a document of at most `max` bytes that must keep the promises of `digests`.
    pub(super) async fn stage<S>(
        &self,
        bytes: S,
        max: ByteSize,
        digests: &Digests,
    ) -> Result<StagedBytes, Problem>
    where
        S: Stream<Item = Result<Bytes, Problem>> + Send,
    {
        let staged = self
            .places
            .stage(self.now, bounded(bytes, max, &self.held))
            .await
            .map_err(write_error)?;
        let staged = StagedBytes::new(self.places.clone(), staged, self.held.clone());
        if digests.match_with(staged.staged().sha256) {
            Ok(staged)
        } else {
            Err(Code::DigestMismatch.into())
        }
    }
}

/// Passes `bytes` through until there are more than `max`, or more than their owner may have.
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
            .ok_or_else(|| Problem::from(Code::TooLarge))?;
        Ok::<_, Problem>(chunk)
    });
    let held = bounded.and_then(move |chunk: Bytes| async move {
        held.arrived(chunk.len()).await?;
        Ok(chunk)
    });
    Box::pin(held.map_err(SourceError::from))
}

impl Upload {
    /// Reads the body to its end. Nothing is kept when it fails.
    pub async fn receive(self, purpose: Purpose, to: &Destination) -> Result<Received, Problem> {
        // What takes longer would be in the way of the cleanup.
        match timeout(to.patience, self.receive_all(purpose, to)).await {
            Ok(received) => received,
            Err(_) => Err(Code::RequestTimeout.into()),
        }
    }

    async fn receive_all(
        mut self,
        purpose: Purpose,
        to: &Destination,
    ) -> Result<Received, Problem> {
        match std::mem::replace(
            &mut self.form,
            Form::Raw {
                declared_type: None,
            },
        ) {
            Form::Raw { declared_type } => {
                let mut fields = Fields::begin(purpose, Origin::Query);
                fields.check_named()?;
                let body = self.body.into_bytes_stream().map_err(read_error);
                let bytes = to.stage(body, self.max, &self.digests).await?;
                Ok(Received {
                    bytes,
                    declared_type,
                    fields,
                })
            }
            Form::Multipart { boundary } => {
                let mut fields = Fields::begin(purpose, Origin::Form);
                fields.check()?;
                form::receive(self, boundary, fields, to).await
            }
        }
    }
}

/// A request body that could not be read: its sender stalled or went away.
pub fn read_error(error: io::Error) -> Problem {
    let stalled = error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<BodyStalled>);
    let code = if stalled {
        Code::RequestTimeout
    } else {
        Code::UploadIncomplete
    };
    Problem::from(code).because(error)
}

/// Bytes that could not be staged: because of their sender, or of the storage.
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
