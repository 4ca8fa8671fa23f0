//! Uploads that clients write straight into staging. Nothing of them passes through this process until
//! the worker reads what came.

use std::time::Duration;

use futures::TryStreamExt;
use url::Url;

use super::error::NotCopied;
use super::hashing::Hashing;
use super::key::{new_growing_key, new_key, url_of};
use super::{Direct, DirectUpload, Joined, Signed, StorageError, StorageRouter, WrittenPart};
use domain::{ByteSize, Sha256, Timestamp};

/// Uploads that clients write into staging.
impl StorageRouter {
    /// Begins an upload of `size` bytes. Fails with [`StorageError::NotSupported`] if staging can't
    /// sign URLs.
    pub async fn begin_direct(
        &self,
        size: ByteSize,
        now: Timestamp,
    ) -> Result<DirectUpload, StorageError> {
        self.check_room()?;
        let place = self.staging().place();
        let url = url_of(place, &new_growing_key(now));
        let parts = match self.staging().direct() {
            Some(direct) => direct.begin(&url, size).await?,
            None => None,
        };
        let not_supported = || StorageError::NotSupported {
            place: place.clone(),
        };
        let parts = parts.ok_or_else(not_supported)?;
        Ok(DirectUpload { url, size, parts })
    }

    /// See [`Direct::sign`].
    pub async fn sign_direct(
        &self,
        upload: &DirectUpload,
        lifetime: Duration,
    ) -> Result<Signed, StorageError> {
        self.direct_at(&upload.url)?.sign(upload, lifetime).await
    }

    /// See [`Direct::outlives_removal`].
    #[must_use]
    pub fn outlives_removal(&self, upload: &DirectUpload) -> bool {
        let direct = self.direct_at(&upload.url);
        direct.is_ok_and(|direct| direct.outlives_removal(upload))
    }

    /// See [`Direct::join`].
    pub async fn join_direct(
        &self,
        upload: &DirectUpload,
        parts: &[WrittenPart],
    ) -> Result<Joined, StorageError> {
        self.direct_at(&upload.url)?.join(upload, parts).await
    }

    /// Copies what a client has written to a key that it doesn't know, on the service's side, so that
    /// nothing that it writes later changes the copy. The original stays. Fails with
    /// [`StorageError::NotFound`] only if nothing is there: a service that refuses the copy may grant it
    /// later.
    pub async fn detach(&self, written: &Url, now: Timestamp) -> Result<Url, StorageError> {
        let adapter = self.adapter_of(written)?;
        if let Some(taken) = adapter.take(written, &new_key(now)).await? {
            return Ok(taken);
        }
        let is_there = adapter.stat(written).await?.is_some();
        Err(if is_there {
            StorageError::Unavailable {
                action: "copy",
                source: NotCopied.into(),
            }
            .at(adapter.place())
        } else {
            StorageError::NotFound {
                url: written.clone(),
            }
        })
    }

    /// Reads an object once, and returns its size and digest.
    pub async fn digest(&self, url: &Url) -> Result<(ByteSize, Sha256), StorageError> {
        let mut bytes = self.open(url, None).await?;
        let mut hashing = Hashing::default();
        while let Some(chunk) = bytes.try_next().await? {
            hashing.add(chunk).await?;
        }
        hashing.finish().await
    }

    fn direct_at(&self, url: &Url) -> Result<&dyn Direct, StorageError> {
        let adapter = self.adapter_of(url)?;
        let not_supported = || StorageError::NotSupported {
            place: adapter.place().clone(),
        };
        adapter.direct().ok_or_else(not_supported)
    }
}
