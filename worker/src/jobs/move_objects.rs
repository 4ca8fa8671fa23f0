//! Moves the next objects of a move to another place.
//!
//! - *does*: copies objects for a bounded time, verifies their digests, switches the rows that name
//!   them, and enqueues the next job of the move. The old objects are discarded later. Objects that
//!   are missing or damaged are counted, and stay where they are. If a place belongs to another
//!   installation, the move ends in error.
//! - *safe to repeat because* an object whose rows were switched is not found again.
//! - *if it dies here*, the next attempt continues; the last copies are made again, and the sweep finds
//!   the former ones.
//! - *on failure* of storage or database it is retried.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{ByteSize, StorageMoveId};
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

/// The lowest rate of a copy in bytes per second: slower ones would be ended in favour of uploads. A move
/// with a lower rate rests after each job for as long as its bytes should have taken.
const LEAST_RATE: u64 = 1 << 20;

/// The longest rest, whatever the rate.
const LONGEST_REST: Duration = Duration::from_hours(24);

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

/// The objects that a job has visited.
struct Visited {
    /// The URL of the last one.
    until: String,
    /// Their bytes.
    bytes: u64,
    /// Those that could not be moved.
    failed: u64,
}

/// Runs the job.
pub async fn move_objects(work: &Work, tools: &Tools) -> Result<(), AttemptError> {
    let Some(id) = work.claimed.subject.map(StorageMoveId) else {
        return Ok(());
    };
    let Some(moving) = running(tools, id).await? else {
        return Ok(());
    };
    if !are_ours(tools, &moving).await? {
        ledger::fail_move(&tools.db, id, tools.clock.now()).await?;
        return Ok(());
    }
    let objects = ledger::movable_objects(&tools.db, &moving, OBJECTS).await?;
    let objects = few_bytes(objects, most_bytes(moving.rate));
    if objects.is_empty() {
        ledger::finish_move(&tools.db, id, tools.clock.now()).await?;
        return Ok(());
    }
    let begin = Instant::now();
    let visited = move_some(work, tools, &moving, objects).await?;
    let rest = rest_after(visited.bytes, moving.rate, begin.elapsed());
    let now = tools.clock.now();
    let chunk = MoveChunk {
        moving: &moving,
        until: &visited.until,
        failed: visited.failed,
        next_at: now.plus(rest),
    };
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

/// Returns whether both places belong to this installation: what is written to a place of another one
/// is a stray there, and what is there may be removed by it.
async fn are_ours(tools: &Tools, moving: &StorageMove) -> Result<bool, AttemptError> {
    let Tools {
        places,
        removal_guard,
        ..
    } = tools;
    if !removal_guard.allows(KIND).await? {
        return Ok(false);
    }
    for place in [&moving.from, &moving.to] {
        let url: Url = place.parse().map_err(AttemptError::internal)?;
        let mut configured = places.distinct();
        let Some(storage) = configured.find(|storage| *storage.place() == url) else {
            return Err(StorageError::UnknownPlace { url }.into());
        };
        if !removal_guard.allows_in(KIND, storage).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the most bytes of a job at this rate.
fn most_bytes(rate: Option<ByteSize>) -> u64 {
    match rate {
        Some(rate) if rate.bytes() < LEAST_RATE => rate.bytes() * TIME.as_secs(),
        _ => BYTES,
    }
}

/// Returns how long a move rests after a job that has copied `bytes` in some time.
fn rest_after(bytes: u64, rate: Option<ByteSize>, took: Duration) -> Duration {
    let Some(rate) = rate.filter(|rate| rate.bytes() < LEAST_RATE) else {
        return Duration::ZERO;
    };
    let due = Duration::from_secs(bytes / rate.bytes().max(1));
    due.saturating_sub(took).min(LONGEST_REST)
}

/// Returns the first objects: at least one, and no more than `most` bytes.
fn few_bytes(mut objects: Vec<MovableObject>, most: u64) -> Vec<MovableObject> {
    let mut bytes = 0_u64;
    let fits = |object: &MovableObject| {
        bytes = bytes.saturating_add(object.size.bytes());
        bytes <= most
    };
    let count = objects.iter().map(fits).take_while(|fits| *fits).count();
    objects.truncate(count.max(1));
    objects
}

/// Moves the first objects, as many as its time allows and at least one.
async fn move_some(
    work: &Work,
    tools: &Tools,
    moving: &StorageMove,
    objects: Vec<MovableObject>,
) -> Result<Visited, AttemptError> {
    let place: Url = moving.to.parse().map_err(AttemptError::internal)?;
    let paced = |rate: ByteSize| Pace::of(rate.max(ByteSize::new(LEAST_RATE)));
    let limit = moving.rate.map(|rate| Arc::new(Mutex::new(paced(rate))));
    let (place, limit) = (&place, &limit);
    let begin = Instant::now();
    let (mut until, mut bytes) = (String::new(), 0_u64);
    let has_time = |object: &MovableObject| {
        let goes_on = until.is_empty() || begin.elapsed() < TIME;
        if goes_on {
            until = object.url.to_string();
            bytes = bytes.saturating_add(object.size.bytes());
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
    Ok(Visited {
        until,
        bytes,
        failed,
    })
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
    use domain::{BlobId, Sha256};

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
            assert_eq!(few_bytes(objects, BYTES).len(), expected, "{sizes:?}");
        }
    }

    #[test]
    fn a_slow_move_rests_between_its_jobs() {
        let rate = |bytes| Some(ByteSize::new(bytes));
        assert_eq!(most_bytes(None), BYTES);
        assert_eq!(most_bytes(rate(LEAST_RATE)), BYTES);
        assert_eq!(most_bytes(rate(1_000)), 2_000);
        let second = Duration::from_secs(1);
        for (bytes, rate, rest) in [
            (BYTES, None, Duration::ZERO),
            (BYTES, rate(LEAST_RATE), Duration::ZERO),
            (9_000, rate(1_000), 8 * second),
            (500, rate(1_000), Duration::ZERO),
            (BYTES, rate(1), LONGEST_REST),
        ] {
            assert_eq!(rest_after(bytes, rate, second), rest, "{bytes} {rate:?}");
        }
    }
}
