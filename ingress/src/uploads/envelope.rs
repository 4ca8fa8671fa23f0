//! The body of a form, chunk by chunk, and how much of it is not the file: that is bounded,
//! wherever it stands.

use std::io;
use std::pin::Pin;

use bytes::Bytes;
use domain::{Hasher, Sha256};
use futures::{Stream, TryStreamExt};

use crate::http::read_error;
use crate::problem::{Code, Problem};

/// What a form may have beside the bytes of its file: fields, part headers and
/// boundaries, and the chunk that is just being parsed. A fixed allowance, many
/// times what the fields of an upload need.
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
    /// Wraps a body; its digest is computed only if it is `hashed`.
    pub(super) fn new(body: poem::Body, hashed: Option<Hasher>) -> Self {
        Self {
            body: Box::pin(body.into_bytes_stream()),
            hasher: hashed,
            received: 0,
            given_out: 0,
        }
    }

    /// The next chunk; `None` at the end.
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

    /// Notes that so much of what was received is out again, as bytes of the file.
    pub(super) fn gave_out(&mut self, bytes: usize) {
        self.given_out += bytes as u64;
    }

    /// Reads what is left after the last boundary, and gives the digest of the whole body.
    pub(super) async fn finish(mut self) -> Result<Option<Sha256>, Problem> {
        while self.chunk().await?.is_some() {}
        Ok(self.hasher.map(Hasher::finish))
    }
}
