//! Lists the objects of a place.

use std::sync::Arc;

use futures::{Stream, TryStreamExt, stream};
use http::Method;
use serde::Deserialize;
use url::Url;

use super::bucket::Bucket;
use super::outcome::{Object, refusal};
use crate::key::{is_key, url_of};
use crate::rest::{Call, json, no_content};
use crate::{Entry, EntryStream, StorageError};

/// The objects of a page; bounds memory.
const PAGE: &str = "1000";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    items: Vec<Object>,
    next_page_token: Option<String>,
}

/// Lists the objects of `place`, whose names begin with `prefix`, after the key `after`; holds one
/// page at a time.
pub(super) fn list(
    bucket: &Arc<Bucket>,
    place: &Url,
    prefix: &str,
    after: Option<&str>,
) -> EntryStream {
    let start = after.map(|after| format!("{prefix}{after}"));
    let (place, root) = (place.clone(), prefix.to_owned());
    let objects = objects(Arc::clone(bucket), root.clone(), start.clone());
    let entries = objects.try_filter_map(move |object| {
        // The start is listed as well.
        let is_behind = start.as_ref().is_none_or(|start| object.name > *start);
        // A bucket may be shared: objects with other names belong to others.
        let key = object.name.strip_prefix(&root).filter(|key| is_key(key));
        let entry = key.filter(|_| is_behind).map(|key| Entry {
            url: url_of(&place, key),
            stat: object.stat(),
        });
        std::future::ready(Ok(entry))
    });
    Box::pin(entries)
}

/// The objects whose names begin with `prefix`, from `start` on; holds one page at a time.
pub(super) fn objects(
    bucket: Arc<Bucket>,
    prefix: String,
    start: Option<String>,
) -> impl Stream<Item = Result<Object, StorageError>> + Send + 'static {
    let state = Some((bucket, prefix, String::new()));
    let pages = stream::try_unfold(state, move |state| {
        let from = start.clone();
        async move {
            let Some((bucket, prefix, token)) = state else {
                return Ok(None);
            };
            let page = page(&bucket, &prefix, from.as_deref(), &token).await?;
            let objects = stream::iter(page.items.into_iter().map(Ok));
            let next = page.next_page_token.filter(|token| !token.is_empty());
            let next = next.map(|token| (bucket, prefix, token));
            Ok::<_, StorageError>(Some((objects, next)))
        }
    });
    pages.try_flatten()
}

async fn page(
    bucket: &Bucket,
    prefix: &str,
    start: Option<&str>,
    token: &str,
) -> Result<Page, StorageError> {
    let mut parameters = vec![
        ("prefix", prefix),
        ("maxResults", PAGE),
        ("fields", "items(name,size,timeCreated),nextPageToken"),
    ];
    parameters.extend(start.map(|start| ("startOffset", start)));
    if !token.is_empty() {
        parameters.push(("pageToken", token));
    }
    let call = Call::new("list", Method::GET, bucket.objects_url(&parameters));
    let answer = bucket.send(&call).await?;
    if !answer.status().is_success() {
        return Err(refusal(call.action, answer).await);
    }
    json(call.action, answer).await
}

/// Checks that the bucket can be listed.
pub(super) async fn check(bucket: &Bucket, prefix: &str) -> Result<(), StorageError> {
    let url = bucket.objects_url(&[("prefix", prefix), ("maxResults", "1"), ("fields", "kind")]);
    let call = Call::new("reach its bucket", Method::GET, url);
    let answer = bucket.send(&call).await?;
    if !answer.status().is_success() {
        return Err(refusal(call.action, answer).await);
    }
    no_content(call.action, answer).await
}
