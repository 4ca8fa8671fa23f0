//! Appends with an idempotency key. The bytes of one are recorded as they come, so its answer is kept after
//! them: a process that dies in between leaves a repetition to the offset, which refuses it.

use std::sync::{Arc, Mutex, PoisonError};

use domain::{ByteSize, Hasher};
use futures::StreamExt;
use poem::Request;
use poem::http::HeaderMap;

use crate::idempotency::{Begun, KeyedUpload, Replay, Turn};
use crate::problem::{Code, Problem};
use crate::resumable::{Piece, Pieces, check_size, of_body, text};
use crate::uploads::UploadBytes;

/// The fields that say what an append is, beside its body.
const FIELDS: [&str; 3] = ["upload-offset", "upload-complete", "upload-length"];

/// What is to be done for a request that appends.
pub(super) enum KeyedAppend {
    /// To append these pieces, and to tell once they are.
    First(Pieces, Appending),
    /// To answer as before.
    Repeated(Replay),
}

/// An append on its way.
pub(super) struct Appending {
    keyed: KeyedUpload,
    fields: String,
    digest: Arc<Mutex<Hasher>>,
}

impl KeyedAppend {
    /// Holds the key of a request, if it has one, and reads the body of a repetition, of at most `max` bytes.
    pub(super) async fn begin(
        request: &Request,
        body: UploadBytes,
        max: ByteSize,
    ) -> Result<Self, Problem> {
        let keyed = KeyedUpload::of(request);
        let appending = Appending {
            fields: fields(request.headers())?,
            digest: Arc::default(),
            keyed,
        };
        let pieces = of_body(body.0);
        match appending.keyed.hold().await? {
            Turn::First if appending.keyed.is_keyed() => {
                let pieces = appending.hashing(pieces);
                Ok(Self::First(pieces, appending))
            }
            Turn::First => Ok(Self::First(pieces, appending)),
            Turn::Repeated => {
                let _repetition = appending.keyed.repeat()?;
                let mut pieces = appending.hashing(pieces);
                let mut size = 0_u64;
                while let Some(piece) = pieces.next().await {
                    if let Piece::Data(bytes) = piece? {
                        size = size.saturating_add(bytes.len() as u64);
                        check_size(size, max)?;
                    }
                }
                match appending.tell().await? {
                    Begun::Replay(replay) => Ok(Self::Repeated(replay)),
                    // The request before has just left it, and the body is read.
                    Begun::First(_) => Err(Code::IdempotencyInProgress.into()),
                }
            }
        }
    }
}

impl Appending {
    /// Tells that the bytes are appended: the answer is kept.
    pub(super) async fn done(self) -> Result<(), Problem> {
        self.tell().await.map(drop)
    }

    async fn tell(&self) -> Result<Begun, Problem> {
        let digest =
            std::mem::take(&mut *self.digest.lock().unwrap_or_else(PoisonError::into_inner));
        let fields = &self.fields;
        let identity = || format!("{fields}{}", digest.finish());
        self.keyed.begin(identity).await
    }

    fn hashing(&self, pieces: Pieces) -> Pieces {
        let digest = Arc::clone(&self.digest);
        Box::pin(pieces.inspect(move |piece| {
            if let Ok(Piece::Data(bytes)) = piece {
                let mut digest = digest.lock().unwrap_or_else(PoisonError::into_inner);
                digest.update(bytes);
            }
        }))
    }
}

fn fields(headers: &HeaderMap) -> Result<String, Problem> {
    let field = |name| Ok(format!("{name}: {}\n", text(headers, name)?));
    FIELDS.into_iter().map(field).collect()
}
