//! Lists the blobs of a place, and its unfinished writes.

use std::sync::Arc;

use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};
use futures::{TryStreamExt, stream};
use url::Url;

use super::container::Container;
use super::outcome::{refusal, stat_of};
use super::unfinished::{self, ENDED};
use crate::key::{is_growing, is_key, made_at, url_of};
use crate::rest::text;
use crate::{Entry, EntryStream, Stat, StorageError};
use domain::{ByteSize, Timestamp};

/// The blobs of a page; bounds memory.
const PAGE: &str = "1000";

/// A listed blob.
#[derive(Debug, Default, PartialEq, Eq)]
struct Blob {
    name: String,
    size: Option<u64>,
    modified: Option<String>,
    tag: Option<String>,
    /// Whether it has the metadata of a placeholder.
    is_ended: bool,
}

/// A page of a listing.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    blobs: Vec<Blob>,
    next: Option<String>,
}

/// Which blobs are listed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listed {
    /// Those that exist.
    Committed,
    /// Those of unfinished writes as well.
    All,
}

/// Lists the blobs of `place`, whose names begin with `prefix`, after the key `after`; holds one
/// page at a time.
pub(super) fn list(
    container: &Arc<Container>,
    place: &Url,
    prefix: &str,
    after: Option<&str>,
) -> EntryStream {
    let (place, root) = (place.clone(), prefix.to_owned());
    let behind = after.map(str::to_owned);
    let container = Arc::clone(container);
    let parts = stream::iter(prefixes(prefix, after).into_iter().map(Ok));
    let entries = parts
        .map_ok(move |part| blobs(Arc::clone(&container), part, Listed::Committed))
        .try_flatten()
        .try_filter_map(move |blob| {
            // A container may be shared: blobs with other names belong to others.
            let entry = entry_of(&blob, &place, &root, behind.as_deref());
            std::future::ready(Ok(entry))
        });
    Box::pin(entries)
}

/// The prefixes that contain everything after the key `after`. A listing can't begin anywhere
/// else: its markers are the service's own.
fn prefixes(prefix: &str, after: Option<&str>) -> Vec<String> {
    let Some(after) = after else {
        return vec![prefix.to_owned()];
    };
    let first: String = after.chars().take(2).collect();
    let folders = (0..=u8::MAX).map(|folder| format!("{folder:02x}"));
    folders
        .filter(|folder| *folder >= first)
        .map(|folder| format!("{prefix}{folder}/"))
        .collect()
}

fn entry_of(blob: &Blob, place: &Url, prefix: &str, after: Option<&str>) -> Option<Entry> {
    let key = blob.name.strip_prefix(prefix).filter(|key| is_key(key))?;
    if blob.is_placeholder() || after.is_some_and(|after| key <= after) {
        return None;
    }
    Some(Entry {
        url: url_of(place, key),
        stat: blob.stat(),
    })
}

impl Blob {
    /// See [`unfinished::is_placeholder`].
    fn is_placeholder(&self) -> bool {
        self.is_ended && self.stat().size == ByteSize::ZERO
    }

    fn stat(&self) -> Stat {
        stat_of(self.size, self.modified.as_deref())
    }
}

/// Ends the writes below `prefix` that began before `older_than`, but for those of objects that
/// grow, and returns how many.
pub(super) async fn sweep(
    container: &Arc<Container>,
    place: &Url,
    prefix: &str,
    older_than: Timestamp,
) -> Result<u64, StorageError> {
    let mut ended = 0;
    let mut all = std::pin::pin!(blobs(Arc::clone(container), prefix.to_owned(), Listed::All));
    while let Some(blob) = all.try_next().await? {
        let key = blob.name.strip_prefix(prefix).filter(|key| is_key(key));
        let Some(key) = key.filter(|_| blob.stat().size == ByteSize::ZERO) else {
            continue;
        };
        if made_at(&url_of(place, key)).is_none_or(|begun| begun >= older_than) {
            continue;
        }
        if blob.is_ended {
            unfinished::delete(container, &blob.name, blob.tag.as_deref()).await?;
            ended += 1;
        } else if !is_growing(key) && unfinished::end(container, &blob.name).await? {
            ended += 1;
        }
    }
    Ok(ended)
}

/// Lists the objects of `place` that grow and were begun before `older_than`.
pub(super) fn unfinished(
    container: &Arc<Container>,
    place: &Url,
    prefix: &str,
    older_than: Timestamp,
) -> EntryStream {
    let (place, prefix) = (place.clone(), prefix.to_owned());
    let all = blobs(Arc::clone(container), prefix.clone(), Listed::All);
    let entries = all.try_filter_map(move |blob| {
        let key = blob.name.strip_prefix(&prefix);
        let key = key.filter(|key| is_key(key) && is_growing(key));
        let size = blob.stat().size;
        let url = key.filter(|_| !blob.is_ended && size == ByteSize::ZERO);
        let url = url.map(|key| url_of(&place, key));
        let begun = url.and_then(|url| made_at(&url).map(|begun| (url, begun)));
        let begun = begun.filter(|(_, begun)| *begun < older_than);
        let entry = begun.map(|(url, modified_at)| Entry {
            url,
            stat: Stat { size, modified_at },
        });
        std::future::ready(Ok(entry))
    });
    Box::pin(entries)
}

/// The blobs whose names begin with `prefix`.
fn blobs(
    container: Arc<Container>,
    prefix: String,
    listed: Listed,
) -> impl futures::Stream<Item = Result<Blob, StorageError>> + Send + 'static {
    let state = Some((container, prefix, String::new()));
    let pages = stream::try_unfold(state, move |state| async move {
        let Some((container, prefix, marker)) = state else {
            return Ok(None);
        };
        let page = page(&container, &prefix, &marker, listed).await?;
        let blobs = stream::iter(page.blobs.into_iter().map(Ok));
        let next = page.next.map(|next| (container, prefix, next));
        Ok::<_, StorageError>(Some((blobs, next)))
    });
    pages.try_flatten()
}

async fn page(
    container: &Container,
    prefix: &str,
    marker: &str,
    listed: Listed,
) -> Result<Page, StorageError> {
    let include = match listed {
        Listed::Committed => "metadata",
        Listed::All => "metadata,uncommittedblobs",
    };
    let mut parameters = vec![
        ("comp", "list"),
        ("include", include),
        ("maxresults", PAGE),
        ("prefix", prefix),
    ];
    if !marker.is_empty() {
        parameters.push(("marker", marker));
    }
    let call = container.call_container("list", &parameters);
    let answer = container.send(&call).await?;
    if !answer.status().is_success() {
        return Err(refusal(call.action, answer).await);
    }
    let body = text(call.action, answer).await?;
    read(&body).map_err(|error| call.failed(error))
}

/// Checks that the container can be listed.
pub(super) async fn check(container: &Container, prefix: &str) -> Result<(), StorageError> {
    let parameters = [("comp", "list"), ("maxresults", "1"), ("prefix", prefix)];
    let call = container.call_container("reach its container", &parameters);
    let answer = container.send(&call).await?;
    if !answer.status().is_success() {
        return Err(refusal(call.action, answer).await);
    }
    text(call.action, answer).await.map(drop)
}

fn read(body: &[u8]) -> Result<Page, XmlDecodeError> {
    let text = std::str::from_utf8(body).map_err(XmlDecodeError::unhandled)?;
    let mut document = Document::new(text.trim_start_matches('\u{feff}'));
    let mut root = document.root_element()?;
    let mut page = Page::default();
    let mut is_whole = false;
    while let Some(mut tag) = root.next_tag() {
        match tag.start_el().local() {
            "Blobs" => {
                while let Some(blob) = tag.next_tag() {
                    page.blobs.push(read_blob(blob)?);
                }
            }
            "NextMarker" => {
                is_whole = true;
                page.next = Some(try_data(&mut tag)?.into_owned()).filter(|next| !next.is_empty());
            }
            _ => {}
        }
    }
    if !is_whole {
        return Err(XmlDecodeError::custom("the page was cut off"));
    }
    Ok(page)
}

fn read_blob(mut tag: ScopedDecoder<'_, '_>) -> Result<Blob, XmlDecodeError> {
    let mut blob = Blob::default();
    while let Some(mut member) = tag.next_tag() {
        match member.start_el().local() {
            "Name" => blob.name = try_data(&mut member)?.into_owned(),
            "Properties" => read_properties(&mut blob, member)?,
            "Metadata" => {
                let own = ENDED.rsplit('-').next().unwrap_or_default();
                while let Some(entry) = member.next_tag() {
                    blob.is_ended |= entry.start_el().local().eq_ignore_ascii_case(own);
                }
            }
            _ => {}
        }
    }
    Ok(blob)
}

fn read_properties(blob: &mut Blob, mut tag: ScopedDecoder<'_, '_>) -> Result<(), XmlDecodeError> {
    while let Some(mut property) = tag.next_tag() {
        match property.start_el().local() {
            "Content-Length" => blob.size = try_data(&mut property)?.parse().ok(),
            "Last-Modified" => blob.modified = Some(try_data(&mut property)?.into_owned()),
            "Etag" => blob.tag = Some(try_data(&mut property)?.into_owned()),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE_OF_TWO: &str = r#"<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="https://acme.blob.core.windows.net/" ContainerName="c"><Prefix>p/</Prefix><MaxResults>2</MaxResults><Blobs><Blob><Name>p/aa/x</Name><Properties><Creation-Time>Sun, 29 Nov 2026 16:24:18 GMT</Creation-Time><Last-Modified>Sun, 29 Nov 2026 16:24:18 GMT</Last-Modified><Etag>0x1</Etag><Content-Length>5</Content-Length></Properties><OrMetadata/></Blob><Blob><Name>p/aa/a&amp;b</Name><Properties><Content-Length>0</Content-Length></Properties><Metadata><dossier>ended</dossier></Metadata></Blob></Blobs><NextMarker>2!8!YQ==</NextMarker></EnumerationResults>"#;

    #[test]
    fn a_page_is_read() {
        let page = read(format!("\u{feff}{PAGE_OF_TWO}").as_bytes()).unwrap();
        assert_eq!(page.next.as_deref(), Some("2!8!YQ=="));
        let [first, second] = page.blobs.try_into().unwrap();
        assert_eq!((first.name.as_str(), first.size), ("p/aa/x", Some(5)));
        assert!(first.stat().modified_at > Timestamp::from_micros(0));
        assert_eq!(first.tag.as_deref(), Some("0x1"));
        assert_eq!((second.name.as_str(), second.is_ended), ("p/aa/a&b", true));
    }

    #[test]
    fn a_page_that_was_cut_off_is_an_error() {
        for end in [20, 200, 500, PAGE_OF_TWO.len() - 60] {
            read(&PAGE_OF_TWO.as_bytes()[..end]).unwrap_err();
        }
    }

    #[test]
    fn a_listing_begins_in_the_folder_of_its_start() {
        assert_eq!(prefixes("p/", None), ["p/"]);
        let folders = prefixes("p/", Some("fe/0"));
        assert_eq!(folders, ["p/fe/", "p/ff/"]);
        assert_eq!(prefixes("", Some("e")).len(), 32);
        assert!(prefixes("", Some("zz")).is_empty());
    }
}
