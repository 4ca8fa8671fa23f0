//! Requests that carry an idempotency key: which of several equal ones runs, and its answer.
//!
//! A key belongs to its owner for [`KEPT_FOR`]. The first request with it starts; equal ones are
//! asked to retry while it runs, and get its response once it is done. A process that crashes
//! leaves its request running: after the time that the caller gives, an equal request takes it
//! over, under a higher fence, so that the former process, if it is alive, can no longer store a
//! response.
//!
//! No change is made twice, and none without a response: the transaction that makes the change of a
//! request stores its response as well ([`Receipt`](super::Receipt)), and fails if the request was
//! taken over. So a request that is found running has changed nothing yet, whatever happened to its
//! process, and an equal one may start over. Responses without a change, such as refusals, are
//! stored by [`finish_request`].
//!
//! The digest of a request whose body is still coming isn't known. It takes the key by a digest of what is
//! known, which the whole one replaces with the response, and has its claim renewed as long as it is sent.

use std::time::Duration;

use super::key_room::KeyAdmission;
use super::tables::idempotency::{self, NewClaim};
use super::{Database, DbError};
use domain::{DocumentId, Sha256, Timestamp, UserId};

pub use super::tables::idempotency::{RequestClaim, SavedAnswer};

/// How long a key and its response are kept.
pub const KEPT_FOR: Duration = Duration::from_hours(24);

/// The maximum number of retries while the key is released each time before it can be read.
const LOOKS: usize = 8;

/// A request with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRequest {
    /// Its sender.
    pub owner: UserId,
    /// The key.
    pub key: String,
    /// The digest of method, path, query and body.
    pub hash: Sha256,
}

/// The start of a request with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// This process runs it.
    Started(RequestClaim),
    /// It is done; its response.
    Replay(SavedAnswer),
    /// An equal one is running.
    InProgress,
    /// The key belongs to another request.
    Reused,
    /// It is new, and its owner has the maximum number of keys or bytes of responses.
    NoRoom,
}

/// Takes up a request, of many equal ones exactly one, or says what became of it. One that has
/// been running for `takeover_after` is taken over.
pub async fn begin_request(
    db: &Database,
    request: &KeyedRequest,
    now: Timestamp,
    takeover_after: Duration,
) -> Result<Begin, DbError> {
    let room = db.keys().admit(db.reader(), request.owner, now).await?;
    for _ in 0..LOOKS {
        if room == KeyAdmission::Full {
            match find_request(db, request, now).await? {
                None => return Ok(Begin::NoRoom),
                // It may have to be taken over, which needs no room.
                Some(Begin::InProgress) => {}
                Some(begin) => return Ok(begin),
            }
        }
        if let Some(claim) = claim(db, request, now, takeover_after).await? {
            return Ok(Begin::Started(claim));
        }
        if let Some(begin) = find_request(db, request, now).await? {
            return Ok(begin);
        }
        // It was abandoned in between: the key is free again.
    }
    Ok(Begin::InProgress)
}

/// Whether an owner was found a moment ago to have no room for another key: to be asked before
/// anything large is read for a new one.
#[must_use]
pub fn has_no_room(db: &Database, owner: UserId, now: Timestamp) -> bool {
    db.keys().is_full(owner, now)
}

async fn claim(
    db: &Database,
    request: &KeyedRequest,
    now: Timestamp,
    takeover_after: Duration,
) -> Result<Option<RequestClaim>, DbError> {
    let new = NewClaim {
        owner: request.owner,
        key: &request.key,
        hash: request.hash,
        subject: DocumentId::new(now).0,
        now,
        expired: now.minus(KEPT_FOR),
        stale: now.minus(takeover_after),
    };
    idempotency::claim(db.writer(), new).await
}

/// What became of the request that has the key, without taking it up; `None` if none has.
pub async fn find_request(
    db: &Database,
    request: &KeyedRequest,
    now: Timestamp,
) -> Result<Option<Begin>, DbError> {
    let key = (request.owner, request.key.as_str());
    let Some(row) = idempotency::find(db.reader(), key, now.minus(KEPT_FOR)).await? else {
        return Ok(None);
    };
    if row.request_hash != request.hash.to_string() {
        return Ok(Some(Begin::Reused));
    }
    let is_open = row.open_until.is_some_and(|end| end > now.as_micros());
    if row.state == idempotency::RUNNING || is_open {
        return Ok(Some(Begin::InProgress));
    }
    Ok(Some(Begin::Replay(row.into_answer()?)))
}

/// Keeps the answer for requests that come again, unless one is kept that isn't open any more.
/// Without effect if another process took it over.
pub async fn finish_request(
    db: &Database,
    claim: &RequestClaim,
    answer: &SavedAnswer,
) -> Result<(), DbError> {
    idempotency::finish(db.writer(), claim, answer).await?;
    db.keys().charge(claim.owner, answer.body.len());
    Ok(())
}

/// Puts off the time after which the request would be taken over. Without effect if it has ended, or
/// another process took it over.
pub async fn renew_request(
    db: &Database,
    claim: &RequestClaim,
    now: Timestamp,
) -> Result<(), DbError> {
    idempotency::renew(db.writer(), claim, now).await
}

/// Frees the key of a request whose answer is not to be kept, so that it can be sent again.
/// Without effect if its change was made, or another process took it over.
pub async fn abandon_request(db: &Database, claim: &RequestClaim) -> Result<(), DbError> {
    idempotency::abandon(db.writer(), claim).await
}

/// Forgets at most `limit` keys that have been kept long enough. Returns how many were
/// forgotten.
pub async fn forget_expired_requests(
    db: &Database,
    now: Timestamp,
    limit: u32,
) -> Result<u64, DbError> {
    idempotency::delete_expired(db.writer(), now.minus(KEPT_FOR), limit).await
}
