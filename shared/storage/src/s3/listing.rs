//! Lists the objects of a place, and its unfinished multipart uploads.

use std::pin::Pin;

use aws_sdk_s3::types::{MultipartUpload, Object};
use futures::{Stream, TryStreamExt, stream};
use tracing::warn;
use url::Url;

use super::client::Bucket;
use super::outcome::{failed, is_missing, moment, stat_of, status};
use crate::key::{is_growing, is_key, url_of};
use crate::{Entry, EntryStream, Stat, StorageError};
use domain::{ByteSize, Timestamp};

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

/// Aborts the uploads below `prefix` that began before `older_than`, but for those of objects that
/// grow, and returns how many were aborted.
pub(super) async fn sweep(
    bucket: &Bucket,
    prefix: &str,
    older_than: Timestamp,
) -> Result<u64, StorageError> {
    let mut aborted = 0;
    let mut uploads = open_uploads(bucket, prefix);
    while let Some(upload) = uploads.try_next().await? {
        let key = upload.key().and_then(|key| key.strip_prefix(prefix));
        let is_ours = key.is_some_and(|key| is_key(key) && !is_growing(key));
        if is_ours && begun_at(&upload) < older_than {
            aborted += abort(bucket, &upload).await?;
        }
    }
    Ok(aborted)
}

/// Aborts every upload to `key`: whoever began one may not have recorded it.
pub(super) async fn abort_all(bucket: &Bucket, key: &str) -> Result<(), StorageError> {
    let mut uploads = open_uploads(bucket, key);
    while let Some(upload) = uploads.try_next().await? {
        if upload.key() == Some(key) {
            abort(bucket, &upload).await?;
        }
    }
    Ok(())
}

/// Lists the objects of `place` that grow and were begun before `older_than`.
pub(super) fn unfinished(
    bucket: &Bucket,
    place: &Url,
    prefix: &str,
    older_than: Timestamp,
) -> EntryStream {
    let (uploads, place, prefix) = (
        open_uploads(bucket, prefix),
        place.clone(),
        prefix.to_owned(),
    );
    Box::pin(uploads.try_filter_map(move |upload| {
        let key = upload.key().and_then(|key| key.strip_prefix(&prefix));
        let key = key.filter(|key| is_key(key) && is_growing(key));
        let modified_at = begun_at(&upload);
        let key = key.filter(|_| modified_at < older_than);
        let size = ByteSize::ZERO;
        let entry = key.map(|key| Entry {
            url: url_of(&place, key),
            stat: Stat { size, modified_at },
        });
        std::future::ready(Ok(entry))
    }))
}

/// Lists the open uploads below `prefix`; holds one page at a time. A server that can't list them
/// has none for us: its own rules must end what was abandoned.
fn open_uploads(
    bucket: &Bucket,
    prefix: &str,
) -> Pin<Box<dyn Stream<Item = Result<MultipartUpload, StorageError>> + Send>> {
    let request = bucket.client.list_multipart_uploads();
    let request = request.bucket(&bucket.name).prefix(prefix);
    let first = Some((None, None));
    let pages = stream::try_unfold(first, move |markers| {
        let request = request.clone();
        async move {
            let Some((key, id)) = markers else {
                return Ok(None);
            };
            let request = request.set_key_marker(key).set_upload_id_marker(id);
            let page = match request.send().await {
                Err(error) if status(&error) == Some(501) => {
                    warn!(
                        "the storage server can't list unfinished uploads: those that were abandoned stay"
                    );
                    return Ok(None);
                }
                page => page.map_err(|error| failed("list open writes", error))?,
            };
            let is_more = page.is_truncated == Some(true) && page.next_key_marker.is_some();
            let next = is_more.then_some((page.next_key_marker, page.next_upload_id_marker));
            let uploads = page.uploads.unwrap_or_default().into_iter().map(Ok);
            Ok::<_, StorageError>(Some((stream::iter(uploads), next)))
        }
    });
    Box::pin(pages.try_flatten())
}

fn begun_at(upload: &MultipartUpload) -> Timestamp {
    // One that doesn't say when it began is left alone.
    let never = Timestamp::from_micros(i64::MAX);
    upload.initiated().map_or(never, moment)
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
