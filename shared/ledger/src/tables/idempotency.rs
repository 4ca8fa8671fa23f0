//! The table `idempotency`: requests that carry an idempotency key, and what they were answered.
//!
//! - The primary key finds the request of a key, and counts and removes the keys of an owner.
//! - `idempotency_by_age` finds the keys whose time is over.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{Condition, FromQueryResult, Value};
use serde::Serialize;

use crate::batch::{Columns, Kind, execute, parameter, query_as};
use crate::{DatabaseTransaction, DbError};
use domain::{Sha256, Timestamp, UserId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    pub request_hash: String,
    pub state: String,
    pub fence: i64,
    pub subject_id: Uuid,
    pub status: Option<i64>,
    pub headers: Option<Json>,
    pub body: Option<Vec<u8>>,
    pub created_at: i64,
    pub begun_at: i64,
    pub open_until: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The request of a key is under way.
pub const RUNNING: &str = "running";

const DONE: &str = "done";

/// A request that this process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestClaim {
    pub(crate) owner: UserId,
    pub(crate) key: String,
    /// The request's own, which tells it from one that had the key before.
    pub(crate) subject: Uuid,
    pub(crate) fence: i64,
    /// The request's digest, which is kept with its answer.
    pub(crate) hash: Sha256,
}

impl RequestClaim {
    /// Returns the same claim with the digest of the whole request, which wasn't known before.
    #[must_use]
    pub fn with_hash(self, hash: Sha256) -> Self {
        Self { hash, ..self }
    }
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

/// A claim that is made for a request.
#[derive(Clone, Copy, Debug)]
pub struct NewClaim<'a> {
    /// Who sent the request.
    pub owner: UserId,
    /// Its key.
    pub key: &'a str,
    /// Its digest.
    pub hash: Sha256,
    /// The id of what it makes.
    pub subject: Uuid,
    /// The present moment.
    pub now: Timestamp,
    /// A key that is as old belongs to nobody any more.
    pub expired: Timestamp,
    /// A request that has been running since then is taken over.
    pub stale: Timestamp,
}

#[derive(FromQueryResult)]
struct ClaimRow {
    fence: i64,
    subject_id: Uuid,
}

/// Claims a request, if nobody has the key, or the same request is stale. One that is taken over
/// keeps its subject.
pub async fn claim(
    connection: &impl ConnectionTrait,
    new: NewClaim<'_>,
) -> Result<Option<RequestClaim>, DbError> {
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
        new.owner.0.into(),
        new.key.into(),
        new.hash.to_string().into(),
        new.subject.into(),
        new.now.as_micros().into(),
        new.expired.as_micros().into(),
        new.stale.as_micros().into(),
    ];
    let claimed: Vec<ClaimRow> = query_as(connection, sql, values).await?;
    Ok(claimed.into_iter().next().map(|row| RequestClaim {
        owner: new.owner,
        key: new.key.to_owned(),
        subject: row.subject_id,
        fence: row.fence,
        hash: new.hash,
    }))
}

/// The row of a key that is younger than `expired`.
pub async fn find(
    connection: &impl ConnectionTrait,
    (owner, key): (UserId, &str),
    expired: Timestamp,
) -> Result<Option<Model>, DbError> {
    let select = Entity::find_by_id((owner.0, key.to_owned()))
        .filter(Column::CreatedAt.gt(expired.as_micros()));
    Ok(select.one(connection).await?)
}

impl Model {
    /// The answer of a request that is done.
    pub fn into_answer(self) -> Result<SavedAnswer, DbError> {
        let corrupt = |column| DbError::corrupt("idempotency", column, self.owner_id);
        let status = self.status.and_then(|status| u16::try_from(status).ok());
        let headers = self.headers.map(serde_json::from_value);
        let headers = headers.ok_or_else(|| corrupt("headers"))?;
        Ok(SavedAnswer {
            status: status.ok_or_else(|| corrupt("status"))?,
            headers: headers.map_err(|_| corrupt("headers"))?,
            body: self.body.ok_or_else(|| corrupt("body"))?,
        })
    }
}

/// Keeps the final answer of a request that is running, or whose answer is open.
pub async fn finish(
    connection: &impl ConnectionTrait,
    claim: &RequestClaim,
    answer: &SavedAnswer,
) -> Result<(), DbError> {
    let finish = Entity::update_many()
        .col_expr(Column::State, Expr::value(DONE))
        .col_expr(Column::RequestHash, Expr::value(claim.hash.to_string()))
        .col_expr(Column::Status, Expr::value(i64::from(answer.status)))
        .col_expr(
            Column::Headers,
            Expr::value(serde_json::json!(answer.headers)),
        )
        .col_expr(Column::Body, Expr::value(answer.body.clone()))
        .col_expr(Column::OpenUntil, Expr::value(None::<i64>))
        .filter(is_claimed(claim))
        .filter(
            Condition::any()
                .add(Column::State.eq(RUNNING))
                .add(Column::OpenUntil.is_not_null()),
        );
    finish.exec(connection).await?;
    Ok(())
}

/// Has a request that is running count as begun at `now`.
pub async fn renew(
    connection: &impl ConnectionTrait,
    claim: &RequestClaim,
    now: Timestamp,
) -> Result<(), DbError> {
    let renew = Entity::update_many()
        .col_expr(Column::BegunAt, Expr::value(now.as_micros()))
        .filter(is_claimed(claim))
        .filter(Column::State.eq(RUNNING));
    renew.exec(connection).await?;
    Ok(())
}

/// Deletes a request that is running.
pub async fn abandon(
    connection: &impl ConnectionTrait,
    claim: &RequestClaim,
) -> Result<(), DbError> {
    let abandon = Entity::delete_many()
        .filter(is_claimed(claim))
        .filter(Column::State.eq(RUNNING));
    abandon.exec(connection).await?;
    Ok(())
}

/// True of the row of a claim that nobody has taken over.
fn is_claimed(claim: &RequestClaim) -> Condition {
    Condition::all()
        .add(Column::OwnerId.eq(claim.owner.0))
        .add(Column::Key.eq(claim.key.as_str()))
        .add(Column::SubjectId.eq(claim.subject))
        .add(Column::Fence.eq(claim.fence))
}

const ANSWERS: &Columns = &[
    ("owner_id", Kind::Uuid),
    ("key", Kind::Text),
    ("subject_id", Kind::Uuid),
    ("fence", Kind::Integer),
    ("request_hash", Kind::Text),
    ("status", Kind::Integer),
    ("headers", Kind::Json),
    ("body", Kind::Text),
    ("open_until", Kind::Integer),
];

#[derive(Serialize)]
struct AnswerRow<'a> {
    owner_id: Uuid,
    key: &'a str,
    subject_id: Uuid,
    fence: i64,
    request_hash: String,
    status: u16,
    headers: &'a [(String, String)],
    /// In hexadecimal: JSON has no bytes.
    body: String,
    open_until: Option<i64>,
}

/// An answer that is kept with the change of its request.
#[derive(Clone, Copy, Debug)]
pub struct NewAnswer<'a> {
    /// The request.
    pub claim: &'a RequestClaim,
    /// What it is answered.
    pub answer: &'a SavedAnswer,
    /// Until when the answer may be replaced.
    pub open_until: Option<Timestamp>,
}

impl<'a> From<NewAnswer<'a>> for AnswerRow<'a> {
    fn from(new: NewAnswer<'a>) -> Self {
        Self {
            owner_id: new.claim.owner.0,
            key: &new.claim.key,
            subject_id: new.claim.subject,
            fence: new.claim.fence,
            request_hash: new.claim.hash.to_string(),
            status: new.answer.status,
            headers: &new.answer.headers,
            body: hex::encode(&new.answer.body),
            open_until: new.open_until.map(Timestamp::as_micros),
        }
    }
}

/// Keeps the answers of requests that are running. Returns how many were kept: those of requests
/// that were taken over are not.
pub async fn keep_answers<'a>(
    transaction: &DatabaseTransaction,
    answers: impl Iterator<Item = NewAnswer<'a>>,
) -> Result<u64, DbError> {
    let dialect = transaction.dialect();
    let list = dialect.rows(ANSWERS);
    let body = dialect.bytes_of_hex("x.body");
    let sql = format!(
        "UPDATE idempotency SET state = 'done', request_hash = x.request_hash, status = x.status, headers = x.headers, \
         body = {body}, open_until = x.open_until FROM {list} \
         WHERE idempotency.owner_id = x.owner_id AND idempotency.key = x.key \
         AND idempotency.subject_id = x.subject_id AND idempotency.fence = x.fence \
         AND idempotency.state = 'running'"
    );
    let rows: Vec<_> = answers.map(AnswerRow::from).collect();
    execute(transaction, sql, [parameter(&rows)?]).await
}

/// Has requests that are running count as stale, and answers as final: the process that had them
/// open is gone.
pub async fn release_all(transaction: &DatabaseTransaction) -> Result<(), DbError> {
    let stale = Entity::update_many()
        .col_expr(Column::BegunAt, Expr::value(0_i64))
        .filter(Column::State.eq(RUNNING));
    stale.exec(transaction).await?;
    let finish = Entity::update_many()
        .col_expr(Column::OpenUntil, Expr::value(None::<i64>))
        .filter(Column::OpenUntil.is_not_null());
    finish.exec(transaction).await?;
    Ok(())
}

/// What is kept for an owner.
#[derive(Clone, Copy, Debug, FromQueryResult)]
pub struct KeptKeys {
    /// How many keys.
    pub keys: i64,
    /// How many bytes of answers.
    pub bytes: i64,
}

/// The keys of an owner. Neither database reads the answers for their lengths.
pub async fn kept_of(
    connection: &impl ConnectionTrait,
    owner: UserId,
) -> Result<KeptKeys, DbError> {
    let sql = "SELECT count(*) AS keys, CAST(COALESCE(sum(length(body)), 0) AS bigint) AS bytes \
         FROM idempotency WHERE owner_id = $1";
    let kept: Vec<KeptKeys> = query_as(connection, sql, [owner.0.into()]).await?;
    Ok(kept
        .into_iter()
        .next()
        .unwrap_or(KeptKeys { keys: 0, bytes: 0 }))
}

/// Deletes at most `limit` keys that are as old as `expired`. Returns how many were deleted.
pub async fn delete_expired(
    connection: &impl ConnectionTrait,
    expired: Timestamp,
    limit: u32,
) -> Result<u64, DbError> {
    let sql = "DELETE FROM idempotency WHERE (owner_id, key) IN \
         (SELECT owner_id, key FROM idempotency WHERE created_at <= $1 ORDER BY created_at LIMIT $2)";
    let values = [expired.as_micros().into(), i64::from(limit).into()];
    execute(connection, sql, values).await
}

/// Deletes at most `limit` keys of an owner. Returns how many were deleted.
pub async fn delete_of_owner(
    connection: &impl ConnectionTrait,
    owner: UserId,
    limit: i64,
) -> Result<u64, DbError> {
    let sql = "DELETE FROM idempotency WHERE (owner_id, key) IN \
         (SELECT owner_id, key FROM idempotency WHERE owner_id = $1 LIMIT $2)";
    execute(connection, sql, [owner.0.into(), limit.into()]).await
}
