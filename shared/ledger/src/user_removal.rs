//! Removing a user with everything that is theirs, whatever their uploads and jobs do meanwhile.

use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, Value};

use super::batch::{execute, query};
use super::entities::user;
use super::jobs::{NewJob, enqueue};
use super::ledger_sql::for_update;
use super::users::{ChangeUserError, other_admin};
use super::{Commit, DatabaseTransaction, DbError, Tries, discards, identities};
use domain::{JobId, Role, Timestamp, UserId};
use queue::JobKind;

/// Deletes a user and all rows of theirs. The bytes are removed by a job that is
/// enqueued with the same commit; its id is returned. `None` if there is no such user.
///
/// `traces` says where the bytes of staged uploads may lie.
pub async fn remove_user(
    on: &impl Commit<()>,
    id: UserId,
    now: Timestamp,
    traces: impl Fn(&str) -> Vec<String> + Send + Sync,
) -> Result<Option<JobId>, ChangeUserError> {
    let mut tries = Tries::default();
    loop {
        match attempt(on, id, now, &traces).await {
            Err(ChangeUserError::Database(error)) if tries.again(&error) => {}
            answer => return answer,
        }
    }
}

async fn attempt(
    on: &impl Commit<()>,
    id: UserId,
    now: Timestamp,
    traces: &(impl Fn(&str) -> Vec<String> + Send + Sync),
) -> Result<Option<JobId>, ChangeUserError> {
    let transaction = on.database().begin_lengthy().await?;
    let Some(row) = user::Entity::find_by_id(id.0).one(&transaction).await? else {
        return Ok(None);
    };
    let is_admin = row.role == Role::Admin.as_str() && !row.disabled;
    if is_admin && !other_admin(&transaction, id).await? {
        return Err(ChangeUserError::LastAdmin);
    }
    hold_everything(&transaction, id).await?;
    let mut urls = staged(&transaction, id, traces).await?;
    urls.extend(archives(&transaction, id).await?);
    release_content(&transaction, id).await?;
    let owner = || [id.0.into()];
    let versions = "DELETE FROM versions WHERE owner_id = $1";
    execute(&transaction, versions, owner()).await?;
    identities::mark_deleted(&transaction, id, now).await?;
    execute(&transaction, "DELETE FROM users WHERE id = $1", owner()).await?;
    let gone = "DELETE FROM blobs WHERE refs = 0 RETURNING storage_url";
    urls.extend(texts(&transaction, gone, []).await?);
    discards::add(&transaction, &urls, now).await?;
    let job = NewJob::without_subject(JobKind::RemoveDiscarded, id, now);
    enqueue(&transaction, std::slice::from_ref(&job), now).await?;
    on.commit(transaction, &()).await?;
    Ok(Some(job.id))
}

/// Locks all that is the user's, so that what is counted is what is removed: an upload that
/// settled in between would leave a reference to its content behind.
///
/// The user comes before the last documents, unlike elsewhere: while their row is open, others
/// are still added. Whoever settles one of those few may then wait in a circle with this
/// transaction; the database ends one of the two, and both begin anew.
async fn hold_everything(transaction: &DatabaseTransaction, id: UserId) -> Result<(), DbError> {
    let backend = transaction.get_database_backend();
    // The chunk that runs ends, and no other one begins.
    let operations = format!(
        "SELECT id FROM operations WHERE owner_id = $1 AND status IN ('pending', 'running') ORDER BY id{}",
        for_update(backend, "operations")
    );
    let owner = || [id.0.into()];
    query(transaction, operations, owner()).await?;
    if backend != DbBackend::Postgres {
        // SQLite has one writer, which this transaction is.
        return Ok(());
    }
    // Counted, or the ids of all documents would travel here for nothing.
    let documents = "SELECT count(*) FROM (SELECT 1 FROM documents d JOIN versions v ON v.document_id = d.id \
         WHERE d.owner_id = $1 ORDER BY d.id, v.id FOR UPDATE) AS held";
    query(transaction, documents, owner()).await?;
    let user = "SELECT id FROM users WHERE id = $1 FOR UPDATE";
    query(transaction, user, owner()).await?;
    query(transaction, documents, owner()).await?;
    Ok(())
}

/// Where the bytes of uploads may lie that have not settled, or failed.
async fn staged(
    transaction: &DatabaseTransaction,
    id: UserId,
    traces: &(impl Fn(&str) -> Vec<String> + Send + Sync),
) -> Result<Vec<String>, DbError> {
    let staged = "SELECT staged_url FROM versions WHERE owner_id = $1 AND staged_url IS NOT NULL";
    let urls = texts(transaction, staged, [id.0.into()]).await?;
    Ok(urls.iter().flat_map(|url| traces(url)).collect())
}

/// Archives that were uploaded for imports or made by exports.
async fn archives(transaction: &DatabaseTransaction, id: UserId) -> Result<Vec<String>, DbError> {
    let archives = "SELECT COALESCE(source_url, result_url) FROM operations WHERE owner_id = $1 \
         AND (source_url IS NOT NULL OR result_url IS NOT NULL)";
    texts(transaction, archives, [id.0.into()]).await
}

/// Takes the references of the user's versions from the content they share with others.
async fn release_content(transaction: &DatabaseTransaction, id: UserId) -> Result<(), DbError> {
    let counted = "SELECT blob_id, count(*) AS count FROM versions \
         WHERE owner_id = $1 AND blob_id IS NOT NULL GROUP BY blob_id";
    if transaction.get_database_backend() == DbBackend::Postgres {
        // In one order, so that two transactions over the same content don't wait for each other.
        let hold = format!(
            "SELECT count(*) FROM (SELECT 1 FROM blobs WHERE id IN (SELECT blob_id FROM ({counted}) AS counted) \
             ORDER BY sha256, size_bytes FOR UPDATE) AS held"
        );
        query(transaction, hold, [id.0.into()]).await?;
    }
    let release = format!(
        "UPDATE blobs SET refs = refs - held.count FROM ({counted}) AS held WHERE blobs.id = held.blob_id"
    );
    execute(transaction, release, [id.0.into()]).await?;
    Ok(())
}

async fn texts(
    transaction: &DatabaseTransaction,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<String>, DbError> {
    let rows = query(transaction, sql, values).await?;
    rows.into_iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect()
}
