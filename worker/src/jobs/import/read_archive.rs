//! Reads the directory of an import's archive and makes items of its entries.
//!
//! - *does*: checks the directory within the operator's limits before anything in it is
//!   believed, reads the manifest if there is one, writes the items in batches, and leaves the
//!   entries to other jobs.
//! - *safe to repeat because* it begins by forgetting the items of former attempts.
//! - *if it dies here*, another attempt begins anew.
//! - *on failure* of storage or ledger it is tried again; an archive that is hostile or broken as
//!   a whole ends the operation with a code.

use archive::{ArchiveError, Contents, EntryReader, Limits as ArchiveLimits, Listed, check};
use futures::{TryStreamExt, pin_mut};
use shared::db::{
    Import, Outcome, Standing, add_import_items, begin_import, refuse_import, start_import,
};
use shared::domain::{OperationErrorCode, OperationId};
use shared::queue::Queue;
use tracing::{info, warn};

use super::items::items;
use super::over;
use crate::archives::{FORMAT, MANIFEST, Manifest, StoredArchive};
use crate::fault::Fault;
use crate::tools::Tools;
use crate::work::Work;

/// The longest manifest that is understood; a longer one is a file like others. All of it is
/// held in memory, and about twice as much as it is read.
const LONGEST_MANIFEST: u64 = 64 << 20;

/// Items that are written together.
const BATCH: usize = 1000;

/// Runs the job.
pub async fn read_archive(work: &Work, tools: &Tools) -> Result<(), Fault> {
    let Some(id) = work.claimed.subject.map(OperationId) else {
        return over(work, tools).await;
    };
    let import = match begin_import(&tools.db, id, work.claimed.job, tools.clock.now()).await? {
        Standing::Goes(import) => import,
        Standing::Over | Standing::Stops => return over(work, tools).await,
        Standing::LeaseLost => return Err(Fault::LeaseLost),
    };
    let Some(source) = StoredArchive::open(&tools.places, &import.source).await? else {
        return refuse(&import, OperationErrorCode::Internal, work, tools).await;
    };
    let most = u64::from(tools.limits.imports.entries);
    let limits = ArchiveLimits {
        // An export has a manifest beside its files.
        entries: most + 1,
        bytes: tools.limits.imports.bytes.bytes(),
        ratio: u64::from(tools.limits.imports.ratio),
    };
    let checked = check(&source, &limits).await;
    let contents = match checked.and_then(|contents| within(contents, most)) {
        Ok(contents) => contents,
        Err(ArchiveError::Source(error)) => return Err(Fault::internal(error)),
        Err(error) => {
            info!(operation.id = %id, error = &error as &dyn std::error::Error, "an archive is refused");
            return refuse(&import, code_of(&error), work, tools).await;
        }
    };
    let manifest = read_manifest(&source, &contents).await?;
    for batch in items(contents, manifest).chunks(BATCH) {
        match add_import_items(&tools.db, id, work.claimed.job, batch).await? {
            Standing::Goes(()) | Standing::Stops => {}
            Standing::Over => return over(work, tools).await,
            Standing::LeaseLost => return Err(Fault::LeaseLost),
        }
    }
    let settlement = work.settlement(Outcome::Done);
    match start_import(&tools.db, &import, &settlement, tools.clock.now()).await? {
        Standing::Goes(next) => tools.herald.jobs_enqueued(Queue::Bulk, vec![next]),
        Standing::LeaseLost => return Err(Fault::LeaseLost),
        Standing::Over | Standing::Stops => {}
    }
    Ok(())
}

async fn refuse(
    import: &Import,
    code: OperationErrorCode,
    work: &Work,
    tools: &Tools,
) -> Result<(), Fault> {
    let settlement = work.settlement(Outcome::Done);
    let now = tools.clock.now();
    match refuse_import(&tools.db, import, &settlement, code, now).await? {
        Standing::LeaseLost => Err(Fault::LeaseLost),
        Standing::Over => over(work, tools).await,
        Standing::Goes(()) | Standing::Stops => {
            tools.remover.remove(vec![import.source.clone()]);
            tools.herald.operation_ended(import.id);
            Ok(())
        }
    }
}

const fn code_of(error: &ArchiveError) -> OperationErrorCode {
    match error {
        ArchiveError::NotAnArchive => OperationErrorCode::NotAnArchive,
        ArchiveError::Split => OperationErrorCode::SplitArchive,
        ArchiveError::Lying(_) => OperationErrorCode::BrokenArchive,
        ArchiveError::Overlap => OperationErrorCode::OverlappingEntries,
        ArchiveError::TooManyEntries { .. } => OperationErrorCode::TooManyEntries,
        ArchiveError::TooLarge => OperationErrorCode::TooLarge,
        ArchiveError::TooDense { .. } => OperationErrorCode::RatioExceeded,
        ArchiveError::Source(_) => OperationErrorCode::Internal,
    }
}

/// Refuses one file too many; the manifest is none.
fn within(contents: Contents, most: u64) -> Result<Contents, ArchiveError> {
    let is_file = |entry: &&Listed| entry.path != MANIFEST;
    let found = contents.entries.iter().filter(is_file).count() as u64;
    if found > most {
        return Err(ArchiveError::TooManyEntries { found, most });
    }
    Ok(contents)
}

/// The manifest, if there is one that can be read; else it is a file like others.
async fn read_manifest(
    source: &StoredArchive,
    contents: &Contents,
) -> Result<Option<Manifest>, Fault> {
    let is_manifest = |entry: &&Listed| {
        entry.path == MANIFEST && entry.problem.is_none() && entry.extent.size <= LONGEST_MANIFEST
    };
    let Some(entry) = contents.entries.iter().find(is_manifest) else {
        return Ok(None);
    };
    let mut text = Vec::new();
    match EntryReader::open(source, &entry.extent).await {
        Ok(reader) => {
            let pieces = reader.into_stream();
            pin_mut!(pieces);
            loop {
                match pieces.try_next().await {
                    Ok(Some(piece)) => text.extend_from_slice(&piece),
                    Ok(None) => break,
                    Err(archive::EntryError::Broken(_)) => return Ok(None),
                    Err(archive::EntryError::Source(error)) => return Err(Fault::internal(error)),
                }
            }
        }
        Err(archive::EntryError::Broken(_)) => return Ok(None),
        Err(archive::EntryError::Source(error)) => return Err(Fault::internal(error)),
    }
    let read = move || serde_json::from_slice::<Manifest>(&text);
    let read = tokio::task::spawn_blocking(read).await;
    match read.map_err(Fault::internal)? {
        Ok(manifest) if manifest.format == FORMAT => Ok(Some(manifest)),
        Ok(manifest) => {
            warn!(
                manifest.format,
                "a manifest of another format is a file like others"
            );
            Ok(None)
        }
        Err(_) => Ok(None),
    }
}
