//! Requests that carry an idempotency key: which of several equal ones runs, and what it answered.
//!
//! A key belongs to its owner for [`KEPT_FOR`]. The first request with it starts; equal ones are
//! told to come back while it runs, and get its answer once it is done. A process that dies
//! leaves its request running: after the time that the caller names, an equal request takes it
//! over, under a higher fence, so that the former process, should it live, can no longer say
//! how it ended.
//!
//! Nothing is done twice, and nothing without an answer: the transaction that makes the change of
//! a request keeps its answer as well ([`Receipt`](super::Receipt)), and fails if the request was
//! taken over. So a request that is found running has changed nothing yet, whatever became of its
//! process, and an equal one may begin from the start. What changes nothing, such as a refusal, is
//! kept by [`finish_request`].

use std::time::Duration;

use sea_orm::Value;
use uuid::Uuid;

use super::batch::{execute, query};
use super::key_room::KeyAdmission;
use super::{Database, DbError};
use domain::{DocumentId, Sha256, Timestamp, UserId};

/// How long a key and its answer are kept.
pub const KEPT_FOR: Duration = Duration::from_hours(24);

/// How often a key is looked at that is given up each time before it can be read.
const LOOKS: usize = 8;

/// A request that carries a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRequest {
    /// Who sent it.
    pub owner: UserId,
    /// The key.
    pub key: String,
    /// The digest of all that makes it this request: method, path, query and body.
    pub hash: Sha256,
}

/// A request that this process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestClaim {
    pub(super) owner: UserId,
    pub(super) key: String,
    /// The request's own, which tells it from one that had the key before.
    pub(super) subject: Uuid,
    pub(super) fence: i64,
}

/// What a request was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedAnswer {
    /// The status code of HTTP.
    pub status: u16,
    /// Names and values of header fields.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// How a request with a key begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// It is this process's to run.
    Started(RequestClaim),
    /// It ran; this was the answer.
    Replay(SavedAnswer),
    /// An equal one is running.
    InProgress,
    /// The key belongs to another request.
    Reused,
    /// It is new, and its owner has as many keys, or as large answers, as may be kept.
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
    // An expired key is as good as none; one that is taken over keeps what it was given.
    let sql = "INSERT INTO idempotency (owner_id, key, request_hash, state, fence, subject_id, created_at, begun_at) \
         VALUES ($1, $2, $3, 'running', 1, $4, $5, $5) \
         ON CONFLICT (owner_id, key) DO UPDATE SET \
         fence = idempotency.fence + 1, \
         subject_id = CASE WHEN idempotency.created_at <= $6 THEN excluded.subject_id ELSE idempotency.subject_id END, \
         created_at = CASE WHEN idempotency.created_at <= $6 THEN excluded.created_at ELSE idempotency.created_at END, \
         request_hash = excluded.request_hash, begun_at = excluded.begun_at, \
         state = 'running', status = NULL, headers = NULL, body = NULL, open_until = NULL \
         WHERE idempotency.created_at <= $6 OR (idempotency.state = 'running' \
         AND idempotency.request_hash = excluded.request_hash AND idempotency.begun_at <= $7) \
         RETURNING fence, subject_id";
    let values: [Value; 7] = [
        request.owner.0.into(),
        request.key.as_str().into(),
        request.hash.to_string().into(),
        DocumentId::new(now).0.into(),
        now.as_micros().into(),
        now.minus(KEPT_FOR).as_micros().into(),
        now.minus(takeover_after).as_micros().into(),
    ];
    let claimed = query(db.writer(), sql, values).await?;
    let claimed = claimed.first().map(|row| {
        Ok(RequestClaim {
            owner: request.owner,
            key: request.key.clone(),
            fence: row.try_get_by_index(0)?,
            subject: row.try_get_by_index(1)?,
        })
    });
    claimed.transpose()
}

/// What became of the request that has the key, without taking it up; `None` if none has.
pub async fn find_request(
    db: &Database,
    request: &KeyedRequest,
    now: Timestamp,
) -> Result<Option<Begin>, DbError> {
    let sql = "SELECT request_hash, state, status, headers, body, open_until FROM idempotency \
         WHERE owner_id = $1 AND key = $2 AND created_at > $3";
    let values = [
        request.owner.0.into(),
        request.key.as_str().into(),
        now.minus(KEPT_FOR).as_micros().into(),
    ];
    let found = query(db.reader(), sql, values).await?;
    let Some(row) = found.first() else {
        return Ok(None);
    };
    let hash: String = row.try_get_by_index(0)?;
    let state: String = row.try_get_by_index(1)?;
    if hash != request.hash.to_string() {
        return Ok(Some(Begin::Reused));
    }
    let open_until: Option<i64> = row.try_get_by_index(5)?;
    if state == "running" || open_until.is_some_and(|end| end > now.as_micros()) {
        return Ok(Some(Begin::InProgress));
    }
    let corrupt = |column| DbError::corrupt("idempotency", column, request.owner);
    let status: i64 = row.try_get_by_index(2)?;
    let headers: serde_json::Value = row.try_get_by_index(3)?;
    Ok(Some(Begin::Replay(SavedAnswer {
        status: u16::try_from(status).map_err(|_| corrupt("status"))?,
        headers: serde_json::from_value(headers).map_err(|_| corrupt("headers"))?,
        body: row.try_get_by_index(4)?,
    })))
}

/// Keeps the answer for requests that come again, unless one is kept that isn't open any more.
/// Without effect if another process took it over.
pub async fn finish_request(
    db: &Database,
    claim: &RequestClaim,
    answer: &SavedAnswer,
) -> Result<(), DbError> {
    let sql = "UPDATE idempotency SET state = 'done', status = $5, headers = $6, body = $7, open_until = NULL \
         WHERE owner_id = $1 AND key = $2 AND subject_id = $3 AND fence = $4 \
         AND (state = 'running' OR open_until IS NOT NULL)";
    let values: [Value; 7] = [
        claim.owner.0.into(),
        claim.key.as_str().into(),
        claim.subject.into(),
        claim.fence.into(),
        i64::from(answer.status).into(),
        serde_json::json!(answer.headers).into(),
        answer.body.clone().into(),
    ];
    execute(db.writer(), sql, values).await?;
    db.keys().charge(claim.owner, answer.body.len());
    Ok(())
}

/// Frees the key of a request whose answer is not to be kept, so that it can be sent again.
/// Without effect if its change was made, or another process took it over.
pub async fn abandon_request(db: &Database, claim: &RequestClaim) -> Result<(), DbError> {
    let sql = "DELETE FROM idempotency WHERE owner_id = $1 AND key = $2 AND subject_id = $3 \
         AND fence = $4 AND state = 'running'";
    let values = [
        claim.owner.0.into(),
        claim.key.as_str().into(),
        claim.subject.into(),
        claim.fence.into(),
    ];
    execute(db.writer(), sql, values).await?;
    Ok(())
}

/// Forgets at most `limit` keys that have been kept long enough, and says how many it were.
pub async fn forget_expired_requests(
    db: &Database,
    now: Timestamp,
    limit: u32,
) -> Result<u64, DbError> {
    let sql = "DELETE FROM idempotency WHERE (owner_id, key) IN \
         (SELECT owner_id, key FROM idempotency WHERE created_at <= $1 ORDER BY created_at LIMIT $2)";
    let values = [
        now.minus(KEPT_FOR).as_micros().into(),
        i64::from(limit).into(),
    ];
    execute(db.writer(), sql, values).await
}
