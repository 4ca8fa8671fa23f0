//! Uploads that clients write: one request, or the parts of a multipart upload.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use url::Url;

use super::adapter::S3;
use super::client::{Bucket, written_as};
use super::multipart::{Multipart, is_stored};
use super::outcome::{failed, is_missing, odd};
use super::own_requests;
use super::signer::PartsOf;
use crate::parted::{DirectParts, Division};
use crate::{Direct, DirectUpload, Joined, Signed, SignedPart, StorageError, WrittenPart};
use domain::ByteSize;

/// The longest lifetime of a signature.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// Headers that every client sets by itself.
const OWN: [&str; 2] = ["host", "content-length"];

/// Codes of a service that knows other parts than it was told.
const OTHER_PARTS: [&str; 4] = [
    "InvalidPart",
    "InvalidPartOrder",
    "EntityTooSmall",
    "InvalidRequest",
];

#[async_trait]
impl Direct for S3 {
    async fn begin(&self, url: &Url, size: ByteSize) -> Result<Option<String>, StorageError> {
        let mut parts = DirectParts::of(size, Division::MANY);
        if parts.size.is_some() {
            let (bucket, key) = (&self.bucket, self.key_of(url)?);
            parts.upload = Some(match own_requests::begin(bucket, &key).await {
                Some(upload) => upload,
                None => Multipart::begin(bucket, &key).await?.keep(),
            });
        }
        Ok(Some(parts.written()))
    }

    async fn sign(
        &self,
        upload: &DirectUpload,
        lifetime: Duration,
    ) -> Result<Signed, StorageError> {
        let (bucket, key) = (&self.bucket, self.key_of(&upload.url)?);
        let lifetime = lifetime.min(LONGEST);
        let config = PresigningConfig::expires_in(lifetime);
        let config = config.map_err(|_| odd("sign a URL", "it would live too long"))?;
        let parts = DirectParts::read(upload)?;
        let Some(id) = &parts.upload else {
            let request = bucket.client.put_object().bucket(&bucket.name).key(&key);
            let request = request.content_length(upload.size.as_i64());
            let signed = written_as!(bucket, request).presigned(config).await;
            let signed = signed.map_err(|error| failed("sign a URL", error))?;
            return Ok(Signed::Whole {
                url: url_of(&signed)?,
                headers: headers_of(&signed),
            });
        };
        let signer = bucket.signer().await;
        let of = PartsOf {
            key: &key,
            upload: id,
        };
        let own = signer.and_then(|signer| signer.parts(of, lifetime));
        let mut list = Vec::new();
        for (number, size) in parts.list(upload.size) {
            let url = own.as_ref().and_then(|own| own.sign(number, size));
            let url = match url {
                Some(url) => url,
                None => sign_part(bucket, of, (number, size), config.clone()).await?,
            };
            list.push(SignedPart { number, url, size });
        }
        Ok(Signed::Parts {
            parts: list,
            headers: Vec::new(),
        })
    }

    /// Parts can't be written once their multipart upload has ended.
    fn outlives_removal(&self, upload: &DirectUpload) -> bool {
        DirectParts::read(upload).is_ok_and(|parts| parts.upload.is_none())
    }

    async fn join(
        &self,
        upload: &DirectUpload,
        written: &[WrittenPart],
    ) -> Result<Joined, StorageError> {
        let (bucket, key) = (&self.bucket, self.key_of(&upload.url)?);
        let parts = DirectParts::read(upload)?;
        if !parts.are_all(upload.size, written) {
            return Ok(Joined::OtherParts);
        }
        let Some(id) = parts.upload else {
            return Ok(Joined::Done);
        };
        if own_requests::complete(bucket, &key, &id, written).await {
            return Ok(Joined::Done);
        }
        let mut completed: Vec<_> = written.iter().map(completed).collect();
        completed.sort_unstable_by_key(CompletedPart::part_number);
        let whole = CompletedMultipartUpload::builder().set_parts(Some(completed));
        let request = bucket.client.complete_multipart_upload();
        let request = request.bucket(&bucket.name).key(&key).upload_id(id);
        let Err(error) = request.multipart_upload(whole.build()).send().await else {
            return Ok(Joined::Done);
        };
        // A request before this one may have completed it.
        if is_stored(bucket, &key, upload.size.bytes()).await {
            return Ok(Joined::Done);
        }
        if is_missing(&error) {
            let url = upload.url.clone();
            return Err(StorageError::NotFound { url });
        }
        let is_refused = matches!(&error, SdkError::ServiceError(_))
            && error.code().is_some_and(|code| OTHER_PARTS.contains(&code));
        if is_refused {
            return Ok(Joined::OtherParts);
        }
        Err(failed("complete a write", error))
    }
}

/// Has the client sign the URL of a part.
async fn sign_part(
    bucket: &Bucket,
    of: PartsOf<'_>,
    (number, size): (u32, ByteSize),
    config: PresigningConfig,
) -> Result<Url, StorageError> {
    let request = bucket.client.upload_part().bucket(&bucket.name);
    let request = request.key(of.key).upload_id(of.upload);
    let request = request.part_number(number.cast_signed());
    let signed = request.content_length(size.as_i64()).presigned(config);
    url_of(&signed.await.map_err(|error| failed("sign a URL", error))?)
}

fn completed(part: &WrittenPart) -> CompletedPart {
    CompletedPart::builder()
        .part_number(part.number.cast_signed())
        .e_tag(&part.tag)
        .build()
}

fn url_of(signed: &PresignedRequest) -> Result<Url, StorageError> {
    let url = signed.uri().parse();
    url.map_err(|_| odd("sign a URL", "it is no URL"))
}

/// Returns the headers that are signed, but for those that clients set by themselves.
fn headers_of(signed: &PresignedRequest) -> Vec<(String, String)> {
    let headers = signed.headers().filter(|(name, _)| !OWN.contains(name));
    headers
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
