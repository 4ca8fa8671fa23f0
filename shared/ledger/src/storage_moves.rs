//! Moves of documents' bytes from one place to another, while both are in use.
//!
//! An object is copied under a fresh key, so that a late removal of an earlier object never meets a
//! live one. Then one transaction switches all rows that name it, by compare-and-set, while the move
//! runs, and discards the old object for later. So each row names bytes that exist, wherever a
//! process dies; a copy that nothing refers to is discarded, or found as a stray of its age.

use std::time::Duration;

use sea_orm::{EntityTrait, FromQueryResult, QueryOrder};
use url::Url;
use uuid::Uuid;

use super::batch::{query, query_as};
use super::readable::readable;
use super::retry_on_conflict::retry_on_conflict;
use super::tables::documents::{SHOWING_ELSEWHERE, relocate};
use super::tables::storage_moves::{self, Model};
use super::tables::{blobs, jobs};
use super::{Commit, Database, DbError, NewJob, discards};
use domain::{BlobId, ByteSize, JobId, Sha256, StorageMoveId, Timestamp, UserId};
use queue::JobKind;

/// Sorts behind every key, and before what isn't in the place.
const BEHIND_KEYS: &str = "~";

/// What became of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveStatus {
    /// It goes on.
    Running,
    /// Every object was visited.
    Completed,
    /// It was cancelled.
    Cancelled,
    /// Its job failed for good, or one of the places belongs to another installation.
    Error,
}

impl MoveStatus {
    const ALL: [Self; 4] = [Self::Running, Self::Completed, Self::Cancelled, Self::Error];

    /// Returns its name, as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Error => "error",
        }
    }
}

/// A move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageMove {
    /// Its id.
    pub id: StorageMoveId,
    /// The place that objects are moved from.
    pub from: String,
    /// The place that they are moved to.
    pub to: String,
    /// What became of it.
    pub status: MoveStatus,
    /// The most bytes per second.
    pub rate: Option<ByteSize>,
    /// The URL up to which objects were visited.
    pub cursor: String,
    /// The objects that there were at its start.
    pub objects: u64,
    /// Those that were moved.
    pub moved: u64,
    /// The bytes that there were at its start.
    pub bytes: u64,
    /// Those that were moved.
    pub moved_bytes: u64,
    /// Objects that could not be moved: missing or damaged ones.
    pub failed: u64,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl StorageMove {
    /// Returns the id of its first job.
    #[must_use]
    pub const fn first_job(&self) -> JobId {
        JobId(self.id.0)
    }
}

/// A move to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMove {
    /// The place that objects are moved from.
    pub from: Url,
    /// The place that they are moved to.
    pub to: Url,
    /// The most bytes per second.
    pub rate: Option<ByteSize>,
    /// Who starts it.
    pub owner: UserId,
}

/// Why a move is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveRefusal {
    /// Another one is running.
    AnotherIsRunning,
    /// It doesn't exist.
    NotFound,
    /// It has ended.
    Finished,
}

/// An object that may be moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovableObject {
    /// The content.
    pub blob: BlobId,
    /// Where it is.
    pub url: Url,
    /// Its length.
    pub size: ByteSize,
    /// Its digest.
    pub sha256: Sha256,
}

/// What became of an object that was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switched {
    /// Rows name the copy now.
    Done,
    /// Rows name another object, or none, or the move has ended: nothing was changed.
    Gone,
}

/// The end of a chunk of a move.
#[derive(Clone, Debug)]
pub struct MoveChunk<'a> {
    /// The move, as it was when the chunk began.
    pub moving: &'a StorageMove,
    /// The last URL that was visited.
    pub until: &'a str,
    /// Objects of the chunk that could not be moved.
    pub failed: u64,
    /// When the next chunk is due.
    pub next_at: Timestamp,
}

/// Returns how many objects and bytes documents have in a place.
pub async fn movable_total(db: &Database, place: &Url) -> Result<(u64, u64), DbError> {
    let bytewise = db.dialect().bytewise();
    let sql = format!(
        "SELECT count(*) AS objects, CAST(COALESCE(sum(size_bytes), 0) AS bigint) AS bytes \
         FROM blobs WHERE storage_url{bytewise} > $1 AND storage_url{bytewise} < $2"
    );
    let values = [place.as_str().into(), behind(place.as_str()).into()];
    let found: Vec<TotalRow> = query_as(db.reader(), sql, values).await?;
    let total = found.first();
    Ok(total.map_or((0, 0), |row| {
        (row.objects.unsigned_abs(), row.bytes.unsigned_abs())
    }))
}

#[derive(FromQueryResult)]
struct TotalRow {
    objects: i64,
    bytes: i64,
}

/// Starts a move, unless another one is running.
pub async fn start_move(
    on: &impl Commit<StorageMove>,
    new: &NewMove,
    now: Timestamp,
) -> Result<Result<StorageMove, MoveRefusal>, DbError> {
    let (objects, bytes) = movable_total(on.database(), &new.from).await?;
    let row = Model {
        id: StorageMoveId::new(now).0,
        from_url: new.from.to_string(),
        to_url: new.to.to_string(),
        status: MoveStatus::Running.as_str().to_owned(),
        rate_bytes: new.rate.map(ByteSize::as_i64),
        cursor_url: new.from.to_string(),
        objects: objects.cast_signed(),
        moved: 0,
        bytes: bytes.cast_signed(),
        moved_bytes: 0,
        failed: 0,
        created_at: now.as_micros(),
        finished_at: None,
    };
    let started = read(row.clone())?;
    let transaction = on.database().begin().await?;
    storage_moves::fail_abandoned(&transaction, now).await?;
    if !storage_moves::insert(&transaction, row).await? {
        return Ok(Err(MoveRefusal::AnotherIsRunning));
    }
    storage_moves::prune(&transaction).await?;
    let first = NewJob {
        id: started.first_job(),
        ..job(started.id, new.owner, now)
    };
    jobs::insert_jobs(&transaction, &[first], now).await?;
    on.commit(transaction, &started).await?;
    Ok(Ok(started))
}

/// Cancels a move. Copies under way are discarded, and what was moved stays where it is.
pub async fn cancel_move(
    on: &impl Commit<StorageMove>,
    id: StorageMoveId,
    now: Timestamp,
) -> Result<Result<StorageMove, MoveRefusal>, DbError> {
    let transaction = on.database().begin().await?;
    if !storage_moves::finish(&transaction, id, MoveStatus::Cancelled.as_str(), now).await? {
        let found = storage_moves::Entity::find_by_id(id.0)
            .one(&transaction)
            .await?;
        let refusal = found.map_or(MoveRefusal::NotFound, |_| MoveRefusal::Finished);
        return Ok(Err(refusal));
    }
    let row = storage_moves::Entity::find_by_id(id.0)
        .one(&transaction)
        .await?;
    let cancelled = read(row.ok_or_else(|| DbError::corrupt("storage_moves", "id", id.0))?)?;
    on.commit(transaction, &cancelled).await?;
    Ok(Ok(cancelled))
}

/// Returns a move. One whose job is dead counts as ended in error.
pub async fn find_move(db: &Database, id: StorageMoveId) -> Result<Option<StorageMove>, DbError> {
    let Some(found) = read_move(db, id).await? else {
        return Ok(None);
    };
    if found.status != MoveStatus::Running || has_job(db, id).await? {
        return Ok(Some(found));
    }
    // Its last job may have ended it in between.
    let found = read_move(db, id).await?;
    Ok(found.map(|found| match found.status {
        MoveStatus::Running => StorageMove {
            status: MoveStatus::Error,
            ..found
        },
        _ => found,
    }))
}

/// Returns the moves that are kept, newest first.
pub async fn list_moves(db: &Database) -> Result<Vec<StorageMove>, DbError> {
    let newest = storage_moves::Entity::find().order_by_desc(storage_moves::Column::Id);
    let mut moves = readable(newest.all(db.reader()).await?, read);
    for moving in &mut moves {
        if moving.status == MoveStatus::Running
            && let Some(found) = find_move(db, moving.id).await?
        {
            *moving = found;
        }
    }
    Ok(moves)
}

async fn read_move(db: &Database, id: StorageMoveId) -> Result<Option<StorageMove>, DbError> {
    let row = storage_moves::Entity::find_by_id(id.0);
    row.one(db.reader()).await?.map(read).transpose()
}

async fn has_job(db: &Database, id: StorageMoveId) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM jobs WHERE subject_id = $1 AND state IN ('ready', 'running') LIMIT 1";
    Ok(!query(db.reader(), sql, [id.0.into()]).await?.is_empty())
}

/// Returns the next objects of a move, in the order of their URLs.
pub async fn movable_objects(
    db: &Database,
    moving: &StorageMove,
    limit: u32,
) -> Result<Vec<MovableObject>, DbError> {
    let bytewise = db.dialect().bytewise();
    let sql = format!(
        "SELECT id, storage_url, size_bytes, sha256 FROM blobs \
         WHERE storage_url{bytewise} > $1 AND storage_url{bytewise} < $2 \
         ORDER BY storage_url{bytewise} LIMIT $3"
    );
    let values = [
        moving.cursor.as_str().into(),
        behind(&moving.from).into(),
        i64::from(limit).into(),
    ];
    let rows: Vec<ObjectRow> = query_as(db.reader(), sql, values).await?;
    rows.iter().map(movable).collect()
}

#[derive(FromQueryResult)]
struct ObjectRow {
    id: Uuid,
    storage_url: String,
    size_bytes: i64,
    sha256: String,
}

fn movable(row: &ObjectRow) -> Result<MovableObject, DbError> {
    let corrupt = |column| DbError::corrupt("blobs", column, row.id);
    Ok(MovableObject {
        blob: BlobId(row.id),
        url: row
            .storage_url
            .parse()
            .map_err(|_| corrupt("storage_url"))?,
        size: ByteSize::new(row.size_bytes.unsigned_abs()),
        sha256: row.sha256.parse().map_err(|_| corrupt("sha256"))?,
    })
}

/// Switches the rows that name an object to its copy at `target`, and discards the old one `grace`
/// later. If they can't be switched, the copy is discarded.
pub async fn switch_object(
    db: &Database,
    moving: StorageMoveId,
    (object, target): (&MovableObject, &str),
    (now, grace): (Timestamp, Duration),
) -> Result<Switched, DbError> {
    loop {
        let switch = || switch_rows(db, moving, (object, target), now.plus(grace));
        match retry_on_conflict(switch).await? {
            Some(Switched::Done) => return Ok(Switched::Done),
            Some(Switched::Gone) => {
                discard_copy(db, object, target, now).await?;
                return Ok(Switched::Gone);
            }
            // A document began to show it meanwhile.
            None => {}
        }
    }
}

/// All in one transaction, so that no row names a copy that others don't. Returns `None` if a
/// document names another object at its end.
async fn switch_rows(
    db: &Database,
    moving: StorageMoveId,
    (object, target): (&MovableObject, &str),
    removed_at: Timestamp,
) -> Result<Option<Switched>, DbError> {
    let old = object.url.as_str();
    let transaction = db.begin().await?;
    relocate(&transaction, object.blob.0, target).await?;
    if !blobs::relocate(&transaction, object.blob.0, (old, target)).await?
        || !storage_moves::count_moved(&transaction, moving, object.size.as_i64()).await?
        || !discards::among(&transaction, &[target]).await?.is_empty()
    {
        return Ok(Some(Switched::Gone));
    }
    let sql = format!("SELECT 1 {SHOWING_ELSEWHERE} LIMIT 1");
    let values = [object.blob.0.into(), target.into()];
    if !query(&transaction, sql, values).await?.is_empty() {
        return Ok(None);
    }
    discards::add(&transaction, &[old], removed_at).await?;
    transaction.commit().await?;
    Ok(Some(Switched::Done))
}

/// Discards a copy, unless a row names it.
async fn discard_copy(
    db: &Database,
    object: &MovableObject,
    target: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "SELECT 1 FROM blobs WHERE id = $1 AND storage_url = $2";
    let values = [object.blob.0.into(), target.into()];
    if query(db.writer(), sql, values).await?.is_empty() {
        discards::add(db.writer(), &[target], now).await?;
    }
    Ok(())
}

/// Returns whether content is still where it was found.
pub async fn is_current(db: &Database, object: &MovableObject) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM blobs WHERE id = $1 AND storage_url = $2";
    let values = [object.blob.0.into(), object.url.as_str().into()];
    Ok(!query(db.writer(), sql, values).await?.is_empty())
}

/// Records that the objects of a chunk were visited, and enqueues the next one, unless another
/// process has. Returns the job.
pub async fn end_chunk(
    db: &Database,
    chunk: &MoveChunk<'_>,
    owner: UserId,
    now: Timestamp,
) -> Result<Option<JobId>, DbError> {
    let MoveChunk {
        moving,
        until,
        failed,
        next_at,
    } = *chunk;
    let transaction = db.begin().await?;
    let steps = (moving.cursor.as_str(), until);
    if !storage_moves::advance(&transaction, moving.id, steps, failed.cast_signed()).await? {
        return Ok(None);
    }
    let next = NewJob {
        run_at: next_at,
        ..job(moving.id, owner, now)
    };
    let id = next.id;
    jobs::insert_jobs(&transaction, &[next], now).await?;
    transaction.commit().await?;
    Ok(Some(id))
}

/// Ends a move of which every object was visited.
pub async fn finish_move(db: &Database, id: StorageMoveId, now: Timestamp) -> Result<(), DbError> {
    storage_moves::finish(db.writer(), id, MoveStatus::Completed.as_str(), now).await?;
    Ok(())
}

/// Ends a move that can't go on.
pub async fn fail_move(db: &Database, id: StorageMoveId, now: Timestamp) -> Result<(), DbError> {
    storage_moves::finish(db.writer(), id, MoveStatus::Error.as_str(), now).await?;
    Ok(())
}

fn job(id: StorageMoveId, owner: UserId, now: Timestamp) -> NewJob {
    NewJob {
        subject: Some(id.0),
        ..NewJob::without_subject(JobKind::MoveObjects, owner, now)
    }
}

fn behind(place: &str) -> String {
    format!("{place}{BEHIND_KEYS}")
}

fn read(row: Model) -> Result<StorageMove, DbError> {
    let status = MoveStatus::ALL
        .into_iter()
        .find(|one| one.as_str() == row.status);
    Ok(StorageMove {
        id: StorageMoveId(row.id),
        from: row.from_url,
        to: row.to_url,
        status: status.ok_or_else(|| DbError::corrupt("storage_moves", "status", row.id))?,
        rate: row
            .rate_bytes
            .map(|rate| ByteSize::new(rate.unsigned_abs())),
        cursor: row.cursor_url,
        objects: row.objects.unsigned_abs(),
        moved: row.moved.unsigned_abs(),
        bytes: row.bytes.unsigned_abs(),
        moved_bytes: row.moved_bytes.unsigned_abs(),
        failed: row.failed.unsigned_abs(),
        created_at: Timestamp::from_micros(row.created_at),
        finished_at: row.finished_at.map(Timestamp::from_micros),
    })
}
