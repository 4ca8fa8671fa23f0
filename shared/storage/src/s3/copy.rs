//! Server-side copy of an object, from any bucket that our credentials can read.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::upload_part_copy::builders::UploadPartCopyFluentBuilder;
use aws_sdk_s3::types::{CompletedPart, MetadataDirective};
use futures::{StreamExt, TryStreamExt, stream};

use super::client::{Bucket, patient, written_as};
use super::multipart::Multipart;
use super::outcome::{failed, odd, status};
use crate::StorageError;

/// The most bytes copied by one request. The protocol allows 5 GiB, but that takes minutes, and
/// parts are copied in parallel.
const WHOLE: u64 = 1 << 30;

/// The part size above that: the maximum of 10,000 parts hold 9 TiB.
const PART: u64 = 1_000 << 20;

/// Parts copied concurrently.
const AT_ONCE: usize = 4;

/// An object in a bucket of the service.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// Its bucket.
    pub bucket: String,
    /// Its key in the bucket.
    pub key: String,
}

/// The result of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copied {
    /// The object was copied.
    Done,
    /// The source can't be read or copied from here; nothing was done.
    OutOfReach,
}

/// Copies `source` to `key` of `bucket`.
pub(super) async fn copy(
    bucket: &Bucket,
    source: &Source,
    key: &str,
) -> Result<Copied, StorageError> {
    let request = bucket
        .client
        .head_object()
        .bucket(&source.bucket)
        .key(&source.key);
    let found = match request.send().await {
        // Such as 301 and 400 from a bucket of another region.
        Err(error) if matches!(status(&error), Some(300..=499)) => return Ok(Copied::OutOfReach),
        found => found.map_err(|error| failed("look at what is to be copied", error))?,
    };
    let size = found
        .content_length
        .and_then(|length| u64::try_from(length).ok());
    let size = size.ok_or_else(|| odd("copy", "the service did not return the object's length"))?;
    if size > WHOLE {
        return copy_parts(bucket, source, key, size).await;
    }
    let request = bucket.client.copy_object().bucket(&bucket.name).key(key);
    let request = written_as!(bucket, request)
        .copy_source(source.path())
        // A client that wrote the source may have given it an encoding, which readers would undo.
        .metadata_directive(MetadataDirective::Replace)
        .customize()
        .config_override(patient());
    match request.send().await {
        Err(error) if is_out_of_reach(&error) => Ok(Copied::OutOfReach),
        copied => copied
            .map(|_| Copied::Done)
            .map_err(|error| failed("copy", error)),
    }
}

impl Source {
    /// The copy source header. Our buckets, prefixes and keys need no escapes.
    fn path(&self) -> String {
        format!("{}/{}", self.bucket, self.key)
    }
}

async fn copy_parts(
    bucket: &Bucket,
    source: &Source,
    key: &str,
    size: u64,
) -> Result<Copied, StorageError> {
    let upload = Multipart::begin(bucket, key).await?;
    let request = bucket
        .client
        .upload_part_copy()
        .bucket(&bucket.name)
        .key(key);
    let request = request.copy_source(source.path()).upload_id(upload.id());
    let parts = stream::iter((1..).zip(ranges(size)))
        .map(|(number, range)| copy_part(request.clone(), number, range))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await;
    match parts {
        Ok(parts) => upload.complete(parts, size).await.map(|()| Copied::Done),
        Err(error) => {
            upload.abort().await;
            Err(error)
        }
    }
}

async fn copy_part(
    request: UploadPartCopyFluentBuilder,
    number: i32,
    range: String,
) -> Result<CompletedPart, StorageError> {
    let request = request.part_number(number).copy_source_range(range);
    let outcome = request.customize().config_override(patient()).send().await;
    let copied = outcome.map_err(|error| failed("copy a part", error))?;
    let part = copied.copy_part_result;
    let part =
        part.ok_or_else(|| odd("copy a part", "the service did not confirm the copied part"))?;
    Ok(CompletedPart::builder()
        .part_number(number)
        .set_e_tag(part.e_tag)
        .set_checksum_crc32(part.checksum_crc32)
        .set_checksum_crc64_nvme(part.checksum_crc64_nvme)
        .build())
}

/// Returns the ranges of the parts of an object of `size` bytes.
fn ranges(size: u64) -> impl Iterator<Item = String> {
    let starts = std::iter::successors(Some(0), |start| Some(start + PART));
    starts
        .take_while(move |start| *start < size)
        .map(move |start| format!("bytes={start}-{}", (start + PART).min(size) - 1))
}

fn is_out_of_reach<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    matches!(status(error), Some(403 | 404 | 501))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_whole_object_and_no_more() {
        assert_eq!(ranges(1).collect::<Vec<_>>(), ["bytes=0-0"]);
        assert_eq!(ranges(PART).collect::<Vec<_>>(), ["bytes=0-1048575999"]);
        let two = ["bytes=0-1048575999", "bytes=1048576000-1048576000"];
        assert_eq!(ranges(PART + 1).collect::<Vec<_>>(), two);
        assert!(ranges(5 << 40).count() <= 10_000);
    }
}
