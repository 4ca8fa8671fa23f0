//! Stages the bytes of archive entries, hashed like those of uploads. A broken entry leaves nothing
//! behind.

use archive::{EntryError, EntryReader, Extent, Method};
use domain::{ItemCode, UserId};
use futures::{StreamExt, TryStreamExt};
use ledger::{ArchivedContent, StagedContent};
use storage::{SourceError, Staged, WriteError, Writer};

use crate::archives::StoredArchive;
use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// Stages the bytes of an entry of an import by `owner`.
pub async fn stage(
    source: &StoredArchive,
    content: &ArchivedContent,
    owner: UserId,
    tools: &Tools,
) -> Result<Result<StagedContent, ItemCode>, AttemptError> {
    if content.size > tools.limits.max_document.bytes() {
        return Ok(Err(ItemCode::TooLarge));
    }
    let reader = match EntryReader::open(source, &extent(content)).await {
        Ok(reader) => reader,
        Err(error) => return broken(error).map(Err),
    };
    // May be polled again after its end.
    let bytes = reader.into_stream().map_err(SourceError::from).fuse();
    let (writer, now) = (Writer::User(owner), tools.clock.now());
    let staged = tools.places.stage_for(writer, now, Box::pin(bytes));
    let staged = match staged.await {
        Ok(staged) => staged,
        Err(WriteError::Storage(error)) => return Err(error.into()),
        Err(WriteError::Source(error)) => {
            return match error.downcast::<EntryError>() {
                Ok(error) => broken(*error).map(Err),
                Err(error) => Err(AttemptError::internal(error)),
            };
        }
    };
    Ok(judged(content, staged, tools))
}

/// Returns whether the bytes match the manifest.
fn judged(
    content: &ArchivedContent,
    staged: Staged,
    tools: &Tools,
) -> Result<StagedContent, ItemCode> {
    let Staged {
        url, size, sha256, ..
    } = staged;
    let expected = content.sha256.as_deref();
    if expected.is_some_and(|expected| expected != sha256.to_string()) {
        tools.remover.remove(vec![url]);
        return Err(ItemCode::DigestMismatch);
    }
    let declared_type = content.declared_type.as_deref();
    Ok(StagedContent {
        staged: url,
        size,
        sha256,
        declared_type: declared_type.and_then(|text| text.parse().ok()),
    })
}

/// A broken entry fails; a read error is retried.
fn broken(error: EntryError) -> Result<ItemCode, AttemptError> {
    match error {
        EntryError::Broken(_) => Ok(ItemCode::BrokenEntry),
        EntryError::Source(error) => Err(AttemptError::internal(error)),
    }
}

const fn extent(content: &ArchivedContent) -> Extent {
    Extent {
        offset: content.offset,
        limit: content.limit,
        packed: content.packed,
        size: content.size,
        crc32: content.crc32,
        method: if content.deflated {
            Method::Deflated
        } else {
            Method::Stored
        },
        name_crc32: content.name_crc32,
        name_length: content.name_length,
    }
}
