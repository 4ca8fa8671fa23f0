//! Reads ahead of the archive: the rows of the next documents in pages, and the compressed bytes of
//! the next small ones. Memory is bounded by number and size.

use std::sync::Arc;
use std::time::Duration;

use archive::{Method, Packed};
use bytes::{Bytes, BytesMut};
use domain::{ItemCode, Sha256};
use futures::{Stream, TryStreamExt, stream};
use ledger::{Export, ExportContent, ExportItem, export_items, find_content};
use storage::{StorageError, StorageRouter};
use tokio::time::sleep;
use url::Url;

use super::file_limit::FileLimit;
use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// Documents whose rows are read in one query.
const PAGE: u32 = 64;

/// Documents read concurrently. Together with [`SMALL`] this bounds memory.
const AT_ONCE: usize = 16;

/// Content up to this size is read ahead and compressed in memory.
const SMALL: u64 = 1 << 20;

/// The pauses between tries of a failed read.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(4),
];

/// The next version, or an item without versions.
pub struct Next {
    /// Its item.
    pub item: Arc<ExportItem>,
    /// The index of the version within the item.
    pub index: usize,
    /// Its bytes.
    pub content: Result<Content, ItemCode>,
}

/// The content of a version.
pub enum Content {
    /// Compressed in memory, with its expected digest.
    Packed(Packed),
    /// Read when its turn comes.
    InStorage,
}

/// Returns every version of every item, in order.
pub fn contents<'a>(
    export: &'a Export,
    tools: &'a Tools,
) -> impl Stream<Item = Result<Next, AttemptError>> + Send + 'a {
    let pages = stream::try_unfold(0, move |position| async move {
        let page = export_items(&tools.db, export, position, PAGE).await?;
        let next = page.last().map(|last| last.position + 1);
        Ok::<_, AttemptError>(next.map(|next| (page, next)))
    });
    let mut limit = FileLimit::of(tools);
    let reads = pages.map_ok(move |page| {
        let reads = page.into_iter().flat_map(|item| planned(item, &mut limit));
        stream::iter(reads.map(Ok).collect::<Vec<_>>())
    });
    reads
        .try_flatten()
        .map_ok(move |planned| read(planned, tools))
        .try_buffered(AT_ONCE)
}

/// An item, the index of a version, and why it can't be read, if so.
type PlannedRead = (Arc<ExportItem>, usize, Option<ItemCode>);

fn planned(item: ExportItem, limit: &mut FileLimit) -> Vec<PlannedRead> {
    let failure = limit.judge(&item);
    let item = Arc::new(item);
    let reads = failure.map_or(item.contents.len(), |_| 1);
    (0..reads)
        .map(|index| (Arc::clone(&item), index, failure))
        .collect()
}

async fn read((item, index, failure): PlannedRead, tools: &Tools) -> Result<Next, AttemptError> {
    let content = match failure {
        Some(code) => Err(code),
        None => read_content(&item.contents[index], tools).await?,
    };
    Ok(Next {
        item,
        index,
        content,
    })
}

async fn read_content(
    content: &ExportContent,
    tools: &Tools,
) -> Result<Result<Content, ItemCode>, AttemptError> {
    if content.size.bytes() > SMALL {
        return Ok(Ok(Content::InStorage));
    }
    let places = &tools.places;
    let mut read = read_small(&content.location, content, places).await;
    if matches!(read, Err(StorageError::NotFound { .. })) {
        // It may have been moved since its row was read.
        let moved = find_content(&tools.db, content.sha256, content.size).await?;
        if let Some(moved) = moved.filter(|url| *url != content.location) {
            read = read_small(&moved, content, places).await;
        }
    }
    match read {
        Ok(bytes) => {
            let (expected, method) = (content.sha256, method_for(content));
            let pack = move || (Sha256::of(&bytes) == expected).then(|| Packed::of(bytes, method));
            let packed = tokio::task::spawn_blocking(pack).await;
            let packed = packed.map_err(AttemptError::internal)?;
            Ok(packed.map(Content::Packed).ok_or(ItemCode::DigestMismatch))
        }
        // The object was deleted after its row was read, or is lost.
        Err(StorageError::NotFound { .. }) => Ok(Err(ItemCode::NotFound)),
        Err(error) => Err(error.into()),
    }
}

/// The compression method.
pub fn method_for(content: &ExportContent) -> Method {
    Method::for_media_type(content.media_type.as_str())
}

async fn read_small(
    location: &Url,
    content: &ExportContent,
    places: &StorageRouter,
) -> Result<Bytes, StorageError> {
    for pause in PAUSES {
        match read_once(location, content, places).await {
            Err(StorageError::Unavailable { .. }) => sleep(pause).await,
            answer => return answer,
        }
    }
    read_once(location, content, places).await
}

async fn read_once(
    location: &Url,
    content: &ExportContent,
    places: &StorageRouter,
) -> Result<Bytes, StorageError> {
    if content.size.bytes() == 0 {
        return Ok(Bytes::new());
    }
    let mut chunks = places.open(location, None).await?;
    let mut whole = BytesMut::new();
    while let Some(chunk) = chunks.try_next().await? {
        // More bytes than expected; the digest check catches it.
        if whole.len() as u64 > SMALL {
            break;
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}
