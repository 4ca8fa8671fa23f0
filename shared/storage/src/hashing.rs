//! Counts and hashes bytes that are read in one go, on threads for blocking work: those of the runtime
//! serve others meanwhile, and the next bytes are read.

use bytes::Bytes;
use domain::{ByteSize, Hasher, Sha256};
use tokio::task::JoinHandle;

use crate::StorageError;

/// The bytes hashed by one task: enough to be worth it.
const PIECE: usize = 1 << 20;

/// A digest in progress.
#[derive(Default)]
pub(crate) struct Hashing {
    size: u64,
    gathered: Vec<Bytes>,
    length: usize,
    state: State,
}

enum State {
    Here(Hasher),
    Away(JoinHandle<Hasher>),
}

impl Default for State {
    fn default() -> Self {
        Self::Here(Hasher::default())
    }
}

impl Hashing {
    /// Adds bytes, once those of the last task are hashed.
    pub(crate) async fn add(&mut self, chunk: Bytes) -> Result<(), StorageError> {
        self.size += chunk.len() as u64;
        self.length += chunk.len();
        self.gathered.push(chunk);
        if self.length >= PIECE {
            self.hash().await?;
        }
        Ok(())
    }

    /// Returns the size and the digest of all bytes.
    pub(crate) async fn finish(mut self) -> Result<(ByteSize, Sha256), StorageError> {
        self.hash().await?;
        let hasher = self.hasher().await?;
        Ok((ByteSize::new(self.size), hasher.finish()))
    }

    async fn hash(&mut self) -> Result<(), StorageError> {
        let mut hasher = self.hasher().await?;
        let gathered = std::mem::take(&mut self.gathered);
        self.length = 0;
        self.state = State::Away(tokio::task::spawn_blocking(move || {
            for chunk in gathered {
                hasher.update(&chunk);
            }
            hasher
        }));
        Ok(())
    }

    async fn hasher(&mut self) -> Result<Hasher, StorageError> {
        match std::mem::take(&mut self.state) {
            State::Here(hasher) => Ok(hasher),
            State::Away(hashing) => hashing.await.map_err(|error| StorageError::Unavailable {
                action: "hash",
                source: error.into(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_digest_is_that_of_the_bytes_in_their_order() {
        for lengths in [
            vec![],
            vec![0],
            vec![5, 7],
            vec![PIECE],
            vec![3, PIECE - 1, 1, 2 * PIECE + 9, 4],
        ] {
            let (mut hashing, mut whole) = (Hashing::default(), Vec::new());
            for (fill, length) in (1..).zip(&lengths) {
                let chunk = vec![fill; *length];
                whole.extend_from_slice(&chunk);
                hashing.add(chunk.into()).await.unwrap();
            }
            let expected = (ByteSize::new(whole.len() as u64), Sha256::of(&whole));
            assert_eq!(hashing.finish().await.unwrap(), expected, "{lengths:?}");
        }
    }
}
