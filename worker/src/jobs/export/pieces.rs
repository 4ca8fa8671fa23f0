//! The way of an archive's bytes to the storage, piece by piece.

use bytes::Bytes;
use futures::StreamExt;
use storage::{SourceError, SourceStream};
use tokio::sync::mpsc;

use crate::attempt_error::AttemptError;

/// What comes through the channel to the storage.
pub enum Piece {
    Bytes(Bytes),
    /// Nothing follows: without it the archive is not whole.
    End,
}

/// An archive that was not written to its end.
#[derive(Debug, thiserror::Error)]
#[error("the archive was not written to its end")]
pub struct Unfinished;

/// The largest piece that is sent at once.
const PIECE: usize = 1 << 20;

/// The door to the storage.
pub struct Pieces(mpsc::Sender<Piece>);

impl Pieces {
    /// Sends into `sender`.
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

    /// The storage says itself why it takes no more.
    pub async fn pass(&self, piece: Piece) -> Result<(), AttemptError> {
        let sent = self.0.send(piece).await;
        sent.map_err(|_| AttemptError::internal(Unfinished))
    }
}

/// The pieces as storage takes them. Without an end they break off, so that nothing is kept.
pub fn as_source(receiver: mpsc::Receiver<Piece>) -> SourceStream<'static> {
    let pieces = futures::stream::unfold(Some(receiver), |receiver| async move {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Piece::Bytes(bytes)) => Some((Ok(bytes), Some(receiver))),
            Some(Piece::End) => None,
            None => Some((Err(SourceError::from(Unfinished)), None)),
        }
    });
    // It may be asked again at its end.
    Box::pin(pieces.fuse())
}
