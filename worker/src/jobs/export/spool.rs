//! The growing manifest: a few mebibytes in memory, the rest in staging, so that memory is
//! independent of the number of documents and their metadata.

use bytes::Bytes;
use futures::{TryStreamExt, stream};
use serde::Serialize;
use storage::WriteError;
use url::Url;

use super::pieces::Pieces;
use crate::archives::{FORMAT, ManifestDocument};
use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// The most bytes kept in memory.
const IN_MEMORY: usize = 4 << 20;

/// The manifest so far.
pub struct Spool<'a> {
    tools: &'a Tools,
    begun: Vec<u8>,
    staged: Vec<Url>,
    length: u64,
    is_empty: bool,
}

impl<'a> Spool<'a> {
    /// Creates a manifest without documents.
    pub fn new(tools: &'a Tools) -> Self {
        let begun = format!("{{\"format\":{FORMAT},\"documents\":[").into_bytes();
        Self {
            tools,
            begun,
            staged: Vec::new(),
            length: 0,
            is_empty: true,
        }
    }

    /// Adds a document.
    pub async fn add(&mut self, document: &ManifestDocument) -> Result<(), AttemptError> {
        if !std::mem::take(&mut self.is_empty) {
            self.begun.push(b',');
        }
        self.begun.push(b'\n');
        let mut json = serde_json::Serializer::new(&mut self.begun);
        document
            .serialize(&mut json)
            .map_err(AttemptError::internal)?;
        if self.begun.len() < IN_MEMORY {
            return Ok(());
        }
        let part = Bytes::from(std::mem::take(&mut self.begun));
        self.length += part.len() as u64;
        let source = Box::pin(stream::iter([Ok(part)]));
        // Not charged to the owner, whose export may hold all of the owner's buffers while it waits
        // for this.
        let staged = self.tools.places.stage(self.tools.clock.now(), source);
        match staged.await {
            Ok(staged) => self.staged.push(staged.url),
            Err(WriteError::Storage(error)) => return Err(error.into()),
            Err(WriteError::Source(error)) => return Err(AttemptError::internal(error)),
        }
        Ok(())
    }

    /// Returns its length so far.
    pub const fn so_far(&self) -> u64 {
        self.length + self.begun.len() as u64
    }

    /// Returns its final length.
    pub fn end(&mut self) -> u64 {
        self.begun.extend_from_slice(b"\n]}\n");
        self.length += self.begun.len() as u64;
        self.length
    }

    /// Passes all of it to `take`, in order.
    pub async fn replay(
        &mut self,
        pieces: &Pieces,
        mut take: impl FnMut(&[u8]) -> Vec<u8> + Send,
    ) -> Result<(), AttemptError> {
        for part in &self.staged {
            let mut chunks = self.tools.places.open(part, None).await?;
            while let Some(chunk) = chunks.try_next().await? {
                pieces.send(take(&chunk).into()).await?;
            }
        }
        pieces.send(take(&self.begun).into()).await
    }
}

impl Drop for Spool<'_> {
    fn drop(&mut self) {
        self.tools.remover.remove(std::mem::take(&mut self.staged));
    }
}
