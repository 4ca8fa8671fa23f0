//! Uploads that clients write by one request. The service's sessions and parts are not signed: whoever
//! has begun one could go on with it later.

use std::time::Duration;

use async_trait::async_trait;
use url::Url;

use super::adapter::Gcs;
use crate::direct_port::DirectParts;
use crate::{Direct, DirectUpload, Joined, Signed, StorageError, WrittenPart};
use domain::ByteSize;

/// The longest lifetime of a signature.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// The header that bounds the size.
const SIZE: &str = "x-goog-content-length-range";

#[async_trait]
impl Direct for Gcs {
    async fn begin(&self, _: &Url, _: ByteSize) -> Result<Option<String>, StorageError> {
        let can_sign = self.bucket.can_sign();
        Ok(can_sign.then(|| DirectParts::default().written()))
    }

    async fn sign(
        &self,
        upload: &DirectUpload,
        lifetime: Duration,
    ) -> Result<Signed, StorageError> {
        let name = self.name_of(&upload.url)?;
        let size = upload.size.bytes();
        let headers = vec![(SIZE.to_owned(), format!("{size},{size}"))];
        let lifetime = lifetime.min(LONGEST);
        let signed = self.bucket.presign_write(&name, &headers, lifetime)?;
        let not_supported = || StorageError::NotSupported {
            place: crate::Storage::place(self).clone(),
        };
        let url = signed.ok_or_else(not_supported)?;
        Ok(Signed::Whole { url, headers })
    }

    fn outlives_removal(&self, _: &DirectUpload) -> bool {
        true
    }

    async fn join(
        &self,
        _: &DirectUpload,
        written: &[WrittenPart],
    ) -> Result<Joined, StorageError> {
        Ok(if written.is_empty() {
            Joined::Done
        } else {
            Joined::OtherParts
        })
    }
}
