//! The body of a form, with a limit on everything but the file.

use std::io;
use std::pin::Pin;

use bytes::Bytes;
use domain::{Hasher, Sha256};
use futures::{Stream, TryStreamExt};

use crate::http::read_error;
use crate::problem::{Code, Problem};

/// The most bytes of a form beside its file: fields, part headers, boundaries and the current
/// chunk. Many times what an upload needs.
pub(super) const ENVELOPE_BYTES: u64 = 1 << 20;

type Body = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// The body of a form.
pub(super) struct Envelope {
    body: Body,
    hasher: Option<Hasher>,
    received: u64,
    given_out: u64,
}

impl Envelope {
    /// Wraps a body; computes its digest only if `hashed`.
    pub(super) fn new(body: poem::Body, hashed: Option<Hasher>) -> Self {
        Self {
            body: Box::pin(body.into_bytes_stream()),
            hasher: hashed,
            received: 0,
            given_out: 0,
        }
    }

    /// Returns the next chunk; `None` at the end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Problem> {
        let Some(chunk) = self.body.try_next().await.map_err(read_error)? else {
            return Ok(None);
        };
        self.received += chunk.len() as u64;
        if self.received > self.given_out.saturating_add(ENVELOPE_BYTES) {
            return Err(Code::TooLarge.into());
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&chunk);
        }
        Ok(Some(chunk))
    }

    /// Records bytes that belong to the file.
    pub(super) fn gave_out(&mut self, bytes: usize) {
        self.given_out += bytes as u64;
    }

    /// Reads the rest after the last boundary, and returns the digest of the whole body.
    pub(super) async fn finish(mut self) -> Result<Option<Sha256>, Problem> {
        while self.chunk().await?.is_some() {}
        Ok(self.hasher.map(Hasher::finish))
    }
}
