//! Lists the objects of a place, and its unfinished multipart uploads.

use aws_sdk_s3::types::{MultipartUpload, Object};
use futures::{TryStreamExt, stream};
use url::Url;

use super::client::Bucket;
use super::outcome::{failed, is_missing, moment, stat_of};
use crate::key::{is_key, url_of};
use crate::{Entry, EntryStream, StorageError};
use domain::Timestamp;

/// Lists the objects of `place`, whose keys in the bucket begin with `prefix`, after the key
/// `after`; holds one page at a time.
pub(super) fn list(bucket: &Bucket, place: &Url, prefix: &str, after: Option<&str>) -> EntryStream {
    let request = bucket
        .client
        .list_objects_v2()
        .bucket(&bucket.name)
        .prefix(prefix);
    let request = request.set_start_after(after.map(|after| format!("{prefix}{after}")));
    let pages = request.into_paginator().send();
    let pages = stream::try_unfold(pages, |mut pages| async move {
        let Some(page) = pages.next().await else {
            return Ok(None);
        };
        let page = page.map_err(|error| failed("list", error))?;
        let objects = page.contents.unwrap_or_default().into_iter().map(Ok);
        Ok::<_, StorageError>(Some((stream::iter(objects), pages)))
    });
    let (place, prefix) = (place.clone(), prefix.to_owned());
    let entries = pages.try_flatten().try_filter_map(move |object| {
        // A bucket may be shared: objects with other names belong to others.
        std::future::ready(Ok(entry_of(&object, &place, &prefix)))
    });
    Box::pin(entries)
}

fn entry_of(object: &Object, place: &Url, prefix: &str) -> Option<Entry> {
    let key = object
        .key()?
        .strip_prefix(prefix)
        .filter(|key| is_key(key))?;
    Some(Entry {
        url: url_of(place, key),
        stat: stat_of(object.size(), object.last_modified()),
    })
}

/// Aborts the uploads below `prefix` that began before `older_than`, and returns how many were
/// aborted.
pub(super) async fn sweep(
    bucket: &Bucket,
    prefix: &str,
    older_than: Timestamp,
) -> Result<u64, StorageError> {
    let mut aborted = 0;
    let (mut key_marker, mut id_marker) = (None, None);
    loop {
        let request = bucket
            .client
            .list_multipart_uploads()
            .bucket(&bucket.name)
            .prefix(prefix);
        let request = request
            .set_key_marker(key_marker)
            .set_upload_id_marker(id_marker);
        let page = request
            .send()
            .await
            .map_err(|error| failed("list open writes", error))?;
        for upload in page.uploads.unwrap_or_default() {
            if is_stale(&upload, prefix, older_than) {
                aborted += abort(bucket, &upload).await?;
            }
        }
        (key_marker, id_marker) = (page.next_key_marker, page.next_upload_id_marker);
        if page.is_truncated != Some(true) || key_marker.is_none() {
            return Ok(aborted);
        }
    }
}

fn is_stale(upload: &MultipartUpload, prefix: &str, older_than: Timestamp) -> bool {
    let key = upload.key().and_then(|key| key.strip_prefix(prefix));
    let is_old = upload
        .initiated()
        .is_some_and(|begun| moment(begun) < older_than);
    is_old && key.is_some_and(is_key)
}

/// Returns how many were aborted: one, or none if another process was faster.
async fn abort(bucket: &Bucket, upload: &MultipartUpload) -> Result<u64, StorageError> {
    let request = bucket.client.abort_multipart_upload().bucket(&bucket.name);
    let request = request
        .set_key(upload.key.clone())
        .set_upload_id(upload.upload_id.clone());
    match request.send().await {
        Err(error) if is_missing(&error) => Ok(0),
        outcome => outcome
            .map(|_| 1)
            .map_err(|error| failed("abort a write", error)),
    }
}
