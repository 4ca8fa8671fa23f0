//! Exports: which documents are written into the archive, and their outcomes.

use std::collections::HashMap;
use std::time::Duration;

use sea_orm::QueryResult;
use url::Url;
use uuid::Uuid;

use super::archives::{release_reserved, reset_exported};
use super::fail_operations::mark_remaining_interrupted;
use super::item_outcome::{DueItem, ItemOutcome, skip, write_outcomes};
use super::lock::{JobLock, lock_for_job};
use super::step_check::StepCheck;
use super::tell::{kind_of_status, tell};
use crate::batch::{parameter, query};
use crate::readable::readable;
use crate::settle::finish_jobs;
use crate::tables::documents::{Found, columns};
use crate::tables::operation_items::{self, PlaceRow};
use crate::tables::operations::{self, NewResult};
use crate::tables::users::Charges;
use crate::{Database, DbError, JobRef, Settlement};
use crash_points::CrashPoint;
use domain::{
    Action, ByteSize, Document, DocumentId, ItemCode, MediaType, OperationErrorCode, OperationId,
    OperationStatus, RunMode, Sha256, Timestamp, UserId,
};
use storage::Staged;

/// How long the archive of an export is kept.
pub const RESULT_KEPT_FOR: Duration = Duration::from_hours(24);

/// The most versions read at once, unless a single document has more.
const VERSIONS: u32 = 2_000;

/// Which versions of a document an export holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionScope {
    /// The current one.
    Current,
    /// Every active one.
    All,
}

/// An export to write.
#[derive(Clone, Copy, Debug)]
pub struct Export {
    /// The operation.
    pub id: OperationId,
    /// The owner of the documents.
    pub owner: UserId,
    /// Which versions.
    pub scope: VersionScope,
    /// Whether an archive is written.
    pub mode: RunMode,
}

/// Starts an export from its first item, whatever a previous attempt found out.
pub async fn begin_export(
    db: &Database,
    id: OperationId,
    job: JobRef,
    now: Timestamp,
) -> Result<StepCheck<Export>, DbError> {
    let transaction = db.begin().await?;
    let locked = match lock_for_job(&transaction, (id, Action::Export), job).await? {
        JobLock::Locked(locked) => locked,
        JobLock::Finished => return Ok(StepCheck::Finished),
        JobLock::LeaseLost => return Ok(StepCheck::LeaseLost),
    };
    operation_items::reset_all(&transaction, id).await?;
    operations::restart(&transaction, id, now).await?;
    transaction.commit().await?;
    if locked.is_cancelled {
        return Ok(StepCheck::CancelRequested);
    }
    let all = locked.options["versions"].as_bool().unwrap_or_default();
    Ok(StepCheck::Continue(Export {
        id,
        owner: locked.operation.owner,
        scope: if all {
            VersionScope::All
        } else {
            VersionScope::Current
        },
        mode: locked.operation.mode,
    }))
}

/// An item of an export.
#[derive(Clone, Debug)]
pub struct ExportItem {
    /// Its position in the operation.
    pub position: i64,
    /// The document, or why it isn't exported.
    pub document: Result<Document, ItemCode>,
    /// The versions to write: the current one first, then the others by number.
    pub contents: Vec<ExportContent>,
}

/// One version in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportContent {
    /// Its number.
    pub number: u32,
    /// Its detected media type.
    pub media_type: MediaType,
    /// The media type that the client declared.
    pub declared_type: Option<MediaType>,
    /// Its size.
    pub size: ByteSize,
    /// Its digest.
    pub sha256: Sha256,
    /// Where its bytes are.
    pub location: Url,
    /// When it was accepted.
    pub created_at: Timestamp,
}

/// Returns the items of an export from `position` on: at most `limit`, and fewer if they have very
/// many versions, which are read at once.
pub async fn export_items(
    db: &Database,
    export: &Export,
    position: i64,
    limit: u32,
) -> Result<Vec<ExportItem>, DbError> {
    let corrupt = || DbError::corrupt("operation_items", "document_id", export.id);
    let place = |row: PlaceRow| {
        let document = row.document_id.ok_or_else(corrupt)?;
        Ok((row.position, DocumentId(document)))
    };
    let found = operation_items::places(db.reader(), export.id, position, limit).await?;
    let places = found.into_iter().map(place);
    let mut places = places.collect::<Result<Vec<_>, DbError>>()?;
    let mut wanted: Vec<_> = places.iter().map(|(_, document)| *document).collect();
    // Documents first, so that versions added meanwhile don't matter.
    let mut documents = documents_of(db, export.owner, &wanted).await?;
    if export.scope == VersionScope::All {
        wanted.truncate(few_versions(&wanted, &documents));
        places.truncate(wanted.len());
    }
    let mut contents = match export.scope {
        VersionScope::Current => HashMap::new(),
        VersionScope::All => contents_of(db, &wanted).await?,
    };
    let item = |(position, id): (i64, DocumentId)| {
        let document = documents.remove(&id).unwrap_or(Err(ItemCode::NotFound));
        let current = document.as_ref().ok().and_then(current_content);
        let mut others = contents.remove(&id).unwrap_or_default();
        let number = current.as_ref().map(|current| current.number);
        others.retain(|content| number.is_some_and(|number| number != content.number));
        ExportItem {
            position,
            document,
            contents: current.into_iter().chain(others).collect(),
        }
    };
    Ok(places.into_iter().map(item).collect())
}

/// Returns how many of the first documents have at most [`VERSIONS`] versions together; at least one.
fn few_versions(
    wanted: &[DocumentId],
    documents: &HashMap<DocumentId, Result<Document, ItemCode>>,
) -> usize {
    let mut versions = 0_u32;
    let fits = wanted.iter().take_while(|id| {
        if let Some(Ok(document)) = documents.get(id) {
            versions = document.latest_version.saturating_add(versions);
        }
        versions <= VERSIONS
    });
    fits.count().max(1)
}

/// The current version of an active document.
fn current_content(document: &Document) -> Option<ExportContent> {
    let current = document.active()?;
    Some(ExportContent {
        number: current.version,
        media_type: current.media_type.clone(),
        declared_type: document.declared_type.clone(),
        size: document.size,
        sha256: document.sha256,
        location: current.location.clone(),
        created_at: document.updated_at,
    })
}

async fn documents_of(
    db: &Database,
    owner: UserId,
    wanted: &[DocumentId],
) -> Result<HashMap<DocumentId, Result<Document, ItemCode>>, DbError> {
    let sql = format!(
        "SELECT {} FROM documents WHERE id IN ({}) AND owner_id = $2",
        columns(db.dialect()),
        db.dialect().ids()
    );
    let values = [parameter(wanted)?, owner.0.into()];
    let found = Found::read(&query(db.reader(), sql, values).await?)?;
    let unreadable = found.unreadable.into_iter();
    let unreadable = unreadable.map(|id| (id, Err(ItemCode::Internal)));
    let documents = found.documents.into_iter();
    let documents = documents.map(|document| (document.id, Ok(document)));
    Ok(documents.chain(unreadable).collect())
}

/// The active versions of documents, by number.
async fn contents_of(
    db: &Database,
    wanted: &[DocumentId],
) -> Result<HashMap<DocumentId, Vec<ExportContent>>, DbError> {
    let sql = format!(
        "SELECT v.id, v.document_id, v.number, v.mime_type, v.declared_type, v.size_bytes, v.sha256, \
         v.created_at, blobs.storage_url FROM versions v JOIN blobs ON blobs.id = v.blob_id \
         WHERE v.document_id IN ({}) AND v.status = 'active' ORDER BY v.document_id, v.number",
        db.dialect().ids()
    );
    let mut contents: HashMap<DocumentId, Vec<ExportContent>> = HashMap::new();
    let read = |row: QueryResult| {
        let id: Uuid = row.try_get("", "id")?;
        let corrupt = |column| DbError::corrupt("versions", column, id);
        let text = |column| -> Result<String, DbError> { Ok(row.try_get("", column)?) };
        let number: i64 = row.try_get("", "number")?;
        let size: i64 = row.try_get("", "size_bytes")?;
        let declared_type: Option<String> = row.try_get("", "declared_type")?;
        let document = DocumentId(row.try_get("", "document_id")?);
        let content = ExportContent {
            number: u32::try_from(number).map_err(|_| corrupt("number"))?,
            media_type: text("mime_type")?
                .parse()
                .map_err(|_| corrupt("mime_type"))?,
            declared_type: declared_type
                .map(|text| text.parse())
                .transpose()
                .map_err(|_| corrupt("declared_type"))?,
            size: ByteSize::new(size.unsigned_abs()),
            sha256: text("sha256")?.parse().map_err(|_| corrupt("sha256"))?,
            location: Url::parse(&text("storage_url")?).map_err(|_| corrupt("blob_id"))?,
            created_at: Timestamp::from_micros(row.try_get("", "created_at")?),
        };
        Ok((document, content))
    };
    let found = query(db.reader(), sql, [parameter(wanted)?]).await?;
    for (document, content) in readable(found, read) {
        contents.entry(document).or_default().push(content);
    }
    Ok(contents)
}

/// The outcome of an item of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Its position in the operation.
    pub position: i64,
    /// Why it is not in the archive; `None` if it is.
    pub failure: Option<ItemCode>,
}

/// Records outcomes while the claim holds.
pub async fn record_export(
    db: &Database,
    id: OperationId,
    job: JobRef,
    exported: &[Exported],
) -> Result<StepCheck<()>, DbError> {
    let transaction = db.begin().await?;
    let locked = match lock_for_job(&transaction, (id, Action::Export), job).await? {
        JobLock::Locked(locked) => locked,
        JobLock::Finished => return Ok(StepCheck::Finished),
        JobLock::LeaseLost => return Ok(StepCheck::LeaseLost),
    };
    let outcomes: Vec<_> = exported.iter().map(outcome).collect();
    let tally = write_outcomes(&transaction, id, &outcomes).await?;
    operations::count_items(&transaction, id, tally).await?;
    transaction.commit().await?;
    Ok(if locked.is_cancelled {
        StepCheck::CancelRequested
    } else {
        StepCheck::Continue(())
    })
}

fn outcome(exported: &Exported) -> ItemOutcome {
    let item = DueItem {
        position: exported.position,
        document: DocumentId(Uuid::nil()),
        previous: None,
    };
    match exported.failure {
        None => ItemOutcome::succeeded(&item),
        Some(code) => ItemOutcome::failed(&item, code),
    }
}

/// The end of an export.
#[derive(Clone, Debug)]
pub enum ExportEnd {
    /// The archive is durable.
    Written(Staged),
    /// It was a dry run.
    Dry,
    /// Its owner has cancelled it.
    Cancelled,
    /// The archive exceeds the owner's result allowance.
    NoRoom,
}

/// Ends an export together with its job. [`StepCheck::CancelRequested`] means that nothing was
/// written, because the archive is about to be removed.
pub async fn finish_export(
    db: &Database,
    id: OperationId,
    settlement: &Settlement,
    ending: &ExportEnd,
    now: Timestamp,
) -> Result<StepCheck<()>, DbError> {
    let transaction = db.begin().await?;
    let locked = match lock_for_job(&transaction, (id, Action::Export), settlement.job).await? {
        JobLock::Locked(locked) => Some(locked),
        JobLock::Finished => None,
        JobLock::LeaseLost => return Ok(StepCheck::LeaseLost),
    };
    finish_jobs(&transaction, std::slice::from_ref(settlement), now).await?;
    if let Some(locked) = &locked {
        let (mut status, mut size) = (OperationStatus::Completed, 0);
        match ending {
            ExportEnd::Written(archive) => {
                let taken = "SELECT 1 FROM discards WHERE url = $1";
                let taken = query(&transaction, taken, [archive.url.as_str().into()]).await?;
                if !taken.is_empty() {
                    // It took so long that the cleanup took the archive for an orphan.
                    return Ok(StepCheck::CancelRequested);
                }
                let result = NewResult {
                    url: &archive.url,
                    size: archive.size,
                    sha256: archive.sha256,
                    expires_at: now.plus(RESULT_KEPT_FOR),
                };
                operations::set_result(&transaction, id, result).await?;
                size = archive.size.as_i64();
            }
            ExportEnd::Dry => {}
            ExportEnd::NoRoom => {
                reset_exported(&transaction, id).await?;
                mark_remaining_interrupted(&transaction, id, Action::Export).await?;
                status = OperationStatus::Error;
            }
            ExportEnd::Cancelled => {
                status = OperationStatus::Cancelled;
                if locked.operation.mode == RunMode::Real {
                    reset_exported(&transaction, id).await?;
                }
                let skipped = skip(&transaction, id, 0..i64::MAX).await?;
                operations::count_items(&transaction, id, skipped).await?;
            }
        }
        match status {
            OperationStatus::Error => {
                operations::fail(&transaction, id, OperationErrorCode::QuotaExceeded, now).await?;
            }
            status => operations::finish(&transaction, id, status, now).await?,
        }
        // The reservation becomes the size of the archive.
        release_reserved(&transaction, locked).await?;
        let mut charges = Charges::default();
        charges.to(locked.operation.owner.0).result_bytes += size;
        charges.write(&transaction).await?;
        let this = (locked.operation.owner, id);
        tell(&transaction, this, kind_of_status(status), now).await?;
    }
    crash_points::reach(CrashPoint::BeforeExport);
    transaction.commit().await?;
    crash_points::reach(CrashPoint::AfterExport);
    Ok(locked.map_or(StepCheck::Finished, |_| StepCheck::Continue(())))
}

/// The archive of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportResult {
    /// Where it is.
    pub location: Url,
    /// Its size.
    pub size: ByteSize,
    /// Its digest.
    pub sha256: Sha256,
    /// Until when it is kept.
    pub expires_at: Timestamp,
}

/// The archive of an export, if there is one.
pub async fn find_export_result(
    db: &Database,
    id: OperationId,
) -> Result<Option<ExportResult>, DbError> {
    let Some(row) = operations::find_result(db.reader(), id).await? else {
        return Ok(None);
    };
    let corrupt = |column| DbError::corrupt("operations", column, id);
    let location = row.url.as_deref().map(Url::parse);
    let location = location.and_then(Result::ok);
    let size = row.size.map(i64::unsigned_abs);
    let sha256 = row.sha256.and_then(|sha256| sha256.parse().ok());
    let expires_at = row.expires_at.map(Timestamp::from_micros);
    Ok(Some(ExportResult {
        location: location.ok_or_else(|| corrupt("result_url"))?,
        size: ByteSize::new(size.ok_or_else(|| corrupt("result_size"))?),
        sha256: sha256.ok_or_else(|| corrupt("result_sha256"))?,
        expires_at: expires_at.ok_or_else(|| corrupt("result_expires_at"))?,
    }))
}
