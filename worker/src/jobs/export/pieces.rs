//! Streams the bytes of an archive to storage in pieces.

use bytes::Bytes;
use futures::StreamExt;
use storage::{SourceError, SourceStream};
use tokio::sync::mpsc;

use crate::attempt_error::AttemptError;

/// A message of the channel to storage.
pub enum Piece {
    Bytes(Bytes),
    /// The end; without it the archive is incomplete.
    End,
}

/// The archive was not completed.
#[derive(Debug, thiserror::Error)]
#[error("the archive was not written to its end")]
pub struct Unfinished;

/// The largest piece.
const PIECE: usize = 1 << 20;

/// Writes to the channel to storage.
pub struct Pieces(mpsc::Sender<Piece>);

impl Pieces {
    /// Creates a writer that sends to `sender`.
    pub const fn new(sender: mpsc::Sender<Piece>) -> Self {
        Self(sender)
    }

    /// Sends bytes of the archive.
    pub async fn send(&self, mut bytes: Bytes) -> Result<(), AttemptError> {
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE));
            self.pass(Piece::Bytes(piece)).await?;
        }
        Ok(())
    }

    /// The storage reports its own error.
    pub async fn pass(&self, piece: Piece) -> Result<(), AttemptError> {
        let sent = self.0.send(piece).await;
        sent.map_err(|_| AttemptError::internal(Unfinished))
    }
}

/// Returns the pieces as a stream. Without an end marker it ends with an error, so that storage
/// keeps nothing.
pub fn as_source(receiver: mpsc::Receiver<Piece>) -> SourceStream<'static> {
    let pieces = futures::stream::unfold(Some(receiver), |receiver| async move {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Piece::Bytes(bytes)) => Some((Ok(bytes), Some(receiver))),
            Some(Piece::End) => None,
            None => Some((Err(SourceError::from(Unfinished)), None)),
        }
    });
    // May be polled again after its end.
    Box::pin(pieces.fuse())
}
