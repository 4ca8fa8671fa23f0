//! The parts of objects that grow, which are objects in a folder of the place that no key names.

use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, TryStreamExt};
use http::Method;
use url::Url;

use super::bucket::Bucket;
use super::listing::objects;
use super::outcome::{Answer, Object};
use crate::key::{is_growing, is_key, made_at, url_of};
use crate::rest::no_content;
use crate::{Entry, EntryStream, Stat, StorageError};
use domain::{ByteSize, Timestamp};

/// The folder of all parts in a place.
const PARTS: &str = ".dossier/parts/";

/// Returns the beginning of the names of an object's parts.
pub(super) fn parts_folder(prefix: &str, key: &str) -> String {
    format!("{prefix}{PARTS}{key}/")
}

/// Returns the key of the object whose part has this name.
fn key_of<'n>(prefix: &str, name: &'n str) -> Option<&'n str> {
    let rest = name.strip_prefix(prefix)?.strip_prefix(PARTS)?;
    let (key, _) = rest.rsplit_once('/')?;
    (is_key(key) && is_growing(key)).then_some(key)
}

/// Removes the parts of an object.
pub(super) async fn remove(
    bucket: &Arc<Bucket>,
    prefix: &str,
    key: &str,
) -> Result<(), StorageError> {
    remove_within(bucket, &parts_folder(prefix, key)).await
}

/// Removes the parts in the folder of an object.
pub(super) async fn remove_within(bucket: &Arc<Bucket>, folder: &str) -> Result<(), StorageError> {
    let mut parts = listed(bucket, folder.to_owned());
    while let Some(part) = parts.try_next().await? {
        delete(bucket, &part.name).await?;
    }
    Ok(())
}

/// Lists the objects of `place` that grow and were begun before `older_than`, once for each run of
/// their parts.
pub(super) fn unfinished(
    bucket: &Arc<Bucket>,
    place: &Url,
    prefix: &str,
    older_than: Timestamp,
) -> EntryStream {
    let parts = listed(bucket, format!("{prefix}{PARTS}"));
    let (place, prefix) = (place.clone(), prefix.to_owned());
    let mut last = String::new();
    Box::pin(parts.try_filter_map(move |part| {
        let key = key_of(&prefix, &part.name).filter(|key| *key != last);
        let url = key.map(|key| {
            key.clone_into(&mut last);
            url_of(&place, key)
        });
        let begun = url.and_then(|url| made_at(&url).map(|begun| (url, begun)));
        let begun = begun.filter(|(_, begun)| *begun < older_than);
        let entry = begun.map(|(url, modified_at)| Entry {
            url,
            stat: Stat {
                size: ByteSize::ZERO,
                modified_at,
            },
        });
        std::future::ready(Ok(entry))
    }))
}

/// Removes parts that are left over of finished objects which were begun before `older_than`, and
/// returns how many.
pub(super) async fn sweep(
    bucket: &Arc<Bucket>,
    place: &Url,
    prefix: &str,
    older_than: Timestamp,
) -> Result<u64, StorageError> {
    let mut parts = listed(bucket, format!("{prefix}{PARTS}"));
    // Of the last object, since its parts follow each other.
    let mut last = (String::new(), false);
    let mut removed = 0;
    while let Some(part) = parts.try_next().await? {
        let Some(key) = key_of(prefix, &part.name) else {
            continue;
        };
        if last.0 != key {
            let is_old = made_at(&url_of(place, key)).is_some_and(|begun| begun < older_than);
            let name = format!("{prefix}{key}");
            let is_finished = is_old && bucket.stat(&name).await?.is_some();
            last = (key.to_owned(), is_finished);
        }
        if last.1 {
            delete(bucket, &part.name).await?;
            removed += 1;
        }
    }
    Ok(removed)
}

type Parts = Pin<Box<dyn Stream<Item = Result<Object, StorageError>> + Send>>;

fn listed(bucket: &Arc<Bucket>, folder: String) -> Parts {
    Box::pin(objects(Arc::clone(bucket), folder, None))
}

/// Deletes an object; succeeds if it does not exist.
pub(super) async fn delete(bucket: &Bucket, name: &str) -> Result<(), StorageError> {
    let call = bucket.object("delete", Method::DELETE, name);
    let answer = bucket.send(&call).await?;
    if answer.status().is_success() {
        return no_content(call.action, answer).await;
    }
    match Answer::read(call.action, answer).await {
        answer if answer.is_missing() => Ok(()),
        answer => Err(answer.into_error(call.action)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{new_growing_key, new_key};

    #[test]
    fn a_part_tells_its_object() {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let key = new_growing_key(now);
        let name = format!("{}{}", parts_folder("p/", &key), "0000000000000001-000001");
        assert!(!is_key(name.trim_start_matches("p/")), "{name}");
        assert_eq!(key_of("p/", &name), Some(&*key));
        assert_eq!(key_of("", &name), None);
        let other = format!("{}{}", parts_folder("p/", &new_key(now)), "x");
        assert_eq!(key_of("p/", &other), None);
    }
}
