//! A multipart upload that is aborted unless completed. Used by uploads and by copies of large
//! objects.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use tokio::runtime::Handle;

use super::client::{Bucket, written_as};
use super::outcome::{failed, is_missing};
use crate::StorageError;

/// An upload in progress, aborted in the background if dropped. `sweep` aborts what is missed.
#[derive(Debug)]
pub(super) struct Multipart {
    bucket: Bucket,
    key: String,
    /// Until it is completed or aborted.
    id: Option<String>,
}

impl Multipart {
    /// Begins an upload to `key`.
    pub(super) async fn begin(bucket: &Bucket, key: &str) -> Result<Self, StorageError> {
        let request = bucket
            .client
            .create_multipart_upload()
            .bucket(&bucket.name)
            .key(key);
        let begun = written_as!(bucket, request)
            .send()
            .await
            .map_err(|error| failed("begin a write", error))?;
        Ok(Self {
            bucket: bucket.clone(),
            key: key.to_owned(),
            id: begun.upload_id,
        })
    }

    /// Returns its id.
    pub(super) fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    /// Returns its id, and leaves it open.
    pub(super) fn keep(mut self) -> String {
        self.id.take().unwrap_or_default()
    }

    /// Completes the upload as an object of `size` bytes, which becomes visible.
    pub(super) async fn complete(
        mut self,
        mut parts: Vec<CompletedPart>,
        size: u64,
    ) -> Result<(), StorageError> {
        parts.sort_unstable_by_key(CompletedPart::part_number);
        let whole = CompletedMultipartUpload::builder()
            .set_parts(Some(parts))
            .build();
        let request = self.bucket.client.complete_multipart_upload();
        let request = request
            .bucket(&self.bucket.name)
            .key(&self.key)
            .upload_id(self.id());
        if let Err(error) = request.multipart_upload(whole).send().await {
            // If the response was lost and the request is retried, the upload no longer exists.
            if error.code() != Some("NoSuchUpload")
                || !is_stored(&self.bucket, &self.key, size).await
            {
                self.abort().await;
                return Err(failed("complete a write", error));
            }
        }
        self.id = None;
        Ok(())
    }

    /// Removes what was uploaded.
    pub(super) async fn abort(mut self) {
        if let Some(id) = self.id.take() {
            abort(&self.bucket, &self.key, &id).await;
        }
    }
}

/// Returns whether an object of `size` bytes is stored at `key`.
pub(super) async fn is_stored(bucket: &Bucket, key: &str, size: u64) -> bool {
    let request = bucket.client.head_object().bucket(&bucket.name).key(key);
    let length = request
        .send()
        .await
        .ok()
        .and_then(|found| found.content_length);
    length.and_then(|length| u64::try_from(length).ok()) == Some(size)
}

impl Drop for Multipart {
    fn drop(&mut self) {
        let (Some(id), Ok(runtime)) = (self.id.take(), Handle::try_current()) else {
            return;
        };
        let (bucket, key) = (self.bucket.clone(), std::mem::take(&mut self.key));
        runtime.spawn(async move { abort(&bucket, &key, &id).await });
    }
}

/// Aborts an upload. One that can't be aborted is left to the sweep.
pub(super) async fn abort(bucket: &Bucket, key: &str, id: &str) {
    let request = bucket.client.abort_multipart_upload().bucket(&bucket.name);
    match request.key(key).upload_id(id).send().await {
        Err(error) if !is_missing(&error) => {
            let error = failed("abort a write", error);
            tracing::debug!(storage.key = key, %error, "failed to abort an unfinished write; a sweep will");
        }
        _ => {}
    }
}
