//! Moves the next objects of a move to another place.
//!
//! - *does*: copies objects for a bounded time, verifies their digests, switches the rows that name
//!   them, and enqueues the next job of the move. The old objects are discarded later. Objects that
//!   are missing or damaged are counted, and stay where they are. If a place belongs to another
//!   installation, the move stops.
//! - *safe to repeat because* an object whose rows were switched is not found again.
//! - *if it dies here*, the next attempt continues; the last copies are made again, and the sweep finds
//!   the former ones.
//! - *on failure* of storage or database it is retried.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::StorageMoveId;
use futures::{StreamExt, TryStreamExt, stream};
use ledger::{MovableObject, MoveChunk, MoveStatus, StorageMove, Switched};
use queue::JobKind;
use storage::{ByteStream, StorageError};
use tokio::sync::Mutex;
use tracing::error;
use url::Url;

use crate::attempt_error::AttemptError;
use crate::pace::Pace;
use crate::tools::Tools;
use crate::work::Work;

const KIND: JobKind = JobKind::MoveObjects;

/// The most objects of a job.
const OBJECTS: u32 = 500;

/// The most bytes of a job, unless one object has more.
const BYTES: u64 = 256 << 20;

/// No further object is begun once a job has run for so long: a worker that dies, even again and
/// again, costs little, and what was moved is no failed attempt.
const TIME: Duration = Duration::from_secs(2);

/// Objects that are copied concurrently.
const AT_ONCE: usize = 4;

/// A rate that concurrent copies share.
type SharedPace = Option<Arc<Mutex<Pace>>>;

/// What became of an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moved {
    /// It was moved, or isn't there any more.
    Done,
    /// Its bytes are missing or damaged.
    Failed,
    /// The move has ended.
    Stopped,
}

/// Runs the job.
pub async fn move_objects(work: &Work, tools: &Tools) -> Result<(), AttemptError> {
    let Some(id) = work.claimed.subject.map(StorageMoveId) else {
        return Ok(());
    };
    let Some(moving) = running(tools, id).await? else {
        return Ok(());
    };
    if !tools.removal_guard.allows(KIND).await? {
        return Ok(());
    }
    let objects = ledger::movable_objects(&tools.db, &moving, OBJECTS).await?;
    let objects = few_bytes(objects);
    if objects.is_empty() {
        ledger::finish_move(&tools.db, id, tools.clock.now()).await?;
        return Ok(());
    }
    let (until, failed) = move_some(work, tools, &moving, objects).await?;
    let chunk = MoveChunk {
        moving: &moving,
        until: &until,
        failed,
    };
    let now = tools.clock.now();
    let next = ledger::end_chunk(&tools.db, &chunk, work.claimed.owner, now).await?;
    tools
        .notifier
        .jobs_enqueued(KIND.queue(), next.into_iter().collect());
    Ok(())
}

async fn running(tools: &Tools, id: StorageMoveId) -> Result<Option<StorageMove>, AttemptError> {
    let found = ledger::find_move(&tools.db, id).await?;
    Ok(found.filter(|found| found.status == MoveStatus::Running))
}

/// Returns the first objects: at least one, and no more than the bytes of a job.
fn few_bytes(mut objects: Vec<MovableObject>) -> Vec<MovableObject> {
    let mut bytes = 0_u64;
    let fits = |object: &MovableObject| {
        bytes = bytes.saturating_add(object.size.bytes());
        bytes <= BYTES
    };
    let count = objects.iter().map(fits).take_while(|fits| *fits).count();
    objects.truncate(count.max(1));
    objects
}

/// Moves the first objects, as many as its time allows and at least one. Returns the last one's URL
/// and how many could not be moved.
async fn move_some(
    work: &Work,
    tools: &Tools,
    moving: &StorageMove,
    objects: Vec<MovableObject>,
) -> Result<(String, u64), AttemptError> {
    let place: Url = moving.to.parse().map_err(AttemptError::internal)?;
    let limit = moving.rate.map(|rate| Arc::new(Mutex::new(Pace::of(rate))));
    let (place, limit) = (&place, &limit);
    let begin = Instant::now();
    let mut until = String::new();
    let has_time = |object: &MovableObject| {
        let goes_on = until.is_empty() || begin.elapsed() < TIME;
        if goes_on {
            until = object.url.to_string();
        }
        goes_on
    };
    let outcomes = stream::iter(objects.into_iter().take_while(has_time))
        .map(|object| async move {
            move_one((work, tools), moving.id, (&object, place), limit.clone()).await
        })
        .buffer_unordered(AT_ONCE);
    let count = |failed, outcome| {
        let failed = failed + u64::from(outcome == Moved::Failed);
        std::future::ready(Ok::<u64, AttemptError>(failed))
    };
    let failed = outcomes.try_fold(0, count).await?;
    Ok((until, failed))
}

async fn move_one(
    (work, tools): (&Work, &Tools),
    id: StorageMoveId,
    (object, place): (&MovableObject, &Url),
    limit: SharedPace,
) -> Result<Moved, AttemptError> {
    let (db, places) = (&tools.db, &tools.places);
    if running(tools, id).await?.is_none() {
        return Ok(Moved::Stopped);
    }
    places.check_room()?;
    let target = places.fresh_url(place, tools.clock.now());
    let expected = (object.size, object.sha256);
    let paced = |bytes| slowed(bytes, limit);
    match places.copy(&object.url, &target, expected, paced).await {
        Ok(()) => {}
        Err(lost @ (StorageError::NotFound { .. } | StorageError::DigestMismatch { .. })) => {
            if !ledger::is_current(db, object).await? {
                return Ok(Moved::Done);
            }
            error!(
                storage.url = %object.url,
                error = &lost as &dyn std::error::Error,
                "an object can't be moved"
            );
            return Ok(Moved::Failed);
        }
        // One object that can't be read must not hold up the others.
        Err(refused) if work.claimed.attempt > 1 && places.check().await.is_ok() => {
            error!(
                storage.url = %object.url,
                error = &refused as &dyn std::error::Error,
                "an object can't be moved"
            );
            return Ok(Moved::Failed);
        }
        Err(error) => return Err(error.into()),
    }
    let times = (tools.clock.now(), tools.retention.moved);
    match ledger::switch_object(db, id, (object, target.as_str()), times).await? {
        Switched::Done | Switched::Gone => Ok(Moved::Done),
    }
}

fn slowed(bytes: ByteStream, pace: SharedPace) -> ByteStream {
    let Some(pace) = pace else {
        return bytes;
    };
    Box::pin(bytes.and_then(move |chunk| {
        let pace = Arc::clone(&pace);
        async move {
            pace.lock().await.keep(chunk.len()).await;
            Ok(chunk)
        }
    }))
}

#[cfg(test)]
mod tests {
    use domain::{BlobId, ByteSize, Sha256};

    use super::*;

    fn object(size: u64) -> MovableObject {
        MovableObject {
            blob: BlobId(uuid::Uuid::nil()),
            url: "s3://bucket/a".parse().unwrap(),
            size: ByteSize::new(size),
            sha256: Sha256::of(b""),
        }
    }

    #[test]
    fn a_job_has_at_least_one_object_and_no_more_than_its_bytes() {
        for (sizes, expected) in [
            (&[][..], 0),
            (&[BYTES + 1, 1], 1),
            (&[1, BYTES, 1], 1),
            (&[1, BYTES - 1, 1], 2),
            (&[0, 0, 0], 3),
        ] {
            let objects = sizes.iter().copied().map(object).collect();
            assert_eq!(few_bytes(objects).len(), expected, "{sizes:?}");
        }
    }
}
