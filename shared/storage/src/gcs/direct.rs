//! Uploads that clients write: one request, or parts, which are objects in the folder of those of objects
//! that grow, and of which we compose the whole. A session of the service is not signed: whoever has begun
//! one could go on with it later. A part that is written once more after the end is removed with the upload's
//! URL, when no signature is valid any more.

use std::time::Duration;

use async_trait::async_trait;
use url::Url;

use super::adapter::Gcs;
use super::compose::compose_all;
use super::parts;
use crate::parted::{DirectParts, Division};
use crate::{Direct, DirectUpload, Joined, Signed, SignedPart, StorageError, WrittenPart};
use domain::ByteSize;

/// The longest lifetime of a signature.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// An RSA signature takes most of a millisecond. Objects, and so parts, may have 5 TiB.
const FEW: Division = Division {
    most: 4,
    largest: 5 << 40,
};

/// The header that bounds the size.
const SIZE: &str = "x-goog-content-length-range";

#[async_trait]
impl Direct for Gcs {
    async fn begin(&self, _: &Url, size: ByteSize) -> Result<Option<String>, StorageError> {
        let can_sign = self.bucket.can_sign();
        Ok(can_sign.then(|| DirectParts::of(size, FEW).written()))
    }

    async fn sign(
        &self,
        upload: &DirectUpload,
        lifetime: Duration,
    ) -> Result<Signed, StorageError> {
        let size = upload.size.bytes();
        let parts = DirectParts::read(upload)?;
        // All parts have one header, and so the last one may be as long as the others.
        let range = match parts.size {
            None => format!("{size},{size}"),
            Some(part) => format!("0,{part}"),
        };
        let headers = vec![(SIZE.to_owned(), range)];
        let signed = |name: &str| {
            let lifetime = lifetime.min(LONGEST);
            let not_supported = || StorageError::NotSupported {
                place: crate::Storage::place(self).clone(),
            };
            let url = self.bucket.presign_write(name, &headers, lifetime)?;
            url.ok_or_else(not_supported)
        };
        if parts.size.is_none() {
            let url = signed(&self.name_of(&upload.url)?)?;
            return Ok(Signed::Whole { url, headers });
        }
        let folder = self.parts_of(&upload.url)?;
        let part = |(number, size)| {
            let url = signed(&part_name(&folder, number))?;
            Ok::<_, StorageError>(SignedPart { number, url, size })
        };
        let list = parts.list(upload.size).into_iter();
        let parts = list.map(part).collect::<Result<_, _>>()?;
        Ok(Signed::Parts { parts, headers })
    }

    fn outlives_removal(&self, _: &DirectUpload) -> bool {
        true
    }

    async fn join(
        &self,
        upload: &DirectUpload,
        written: &[WrittenPart],
    ) -> Result<Joined, StorageError> {
        let parts = DirectParts::read(upload)?;
        if !parts.are_all(upload.size, written) {
            return Ok(Joined::OtherParts);
        }
        if parts.size.is_none() {
            return Ok(Joined::Done);
        }
        let (name, folder) = (self.name_of(&upload.url)?, self.parts_of(&upload.url)?);
        let list = parts.list(upload.size).into_iter();
        let sources = list.map(|(number, _)| part_name(&folder, number)).collect();
        let joined = format!("{folder}joined");
        let composed = compose_all(&self.bucket, sources, &joined, &name).await?;
        // An earlier try may have joined them, and removed them.
        if composed.is_none() && self.bucket.stat(&name).await?.is_none() {
            return Ok(Joined::OtherParts);
        }
        if let Err(error) = parts::remove_within(&self.bucket, &folder).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(
                error,
                "failed to remove the parts of an upload; they go with its URL"
            );
        }
        Ok(Joined::Done)
    }
}

/// Returns the name of a part in the folder of its upload.
fn part_name(folder: &str, number: u32) -> String {
    format!("{folder}direct-{number:06}")
}
