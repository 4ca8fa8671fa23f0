//! Deletes the rows of a removed user in batches: a transaction each, so that nothing waits long.

use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::batch::query_as;
use crate::change::lock_documents;
use crate::removal::{delete_documents, delete_versions};
use crate::tables::{events, idempotency, operation_items, webhook_deliveries};
use crate::uploads::remove_uploads_of;
use crate::{Database, DatabaseTransaction, DbError};
use domain::{DocumentId, Timestamp, UserId};

/// Documents of one batch: the index entries of their metadata are deleted with them.
const DOCUMENTS: i64 = 100;

/// Versions of one batch.
const VERSIONS: i64 = 1_000;

/// Rows without bytes of one batch.
const ROWS: i64 = 2_000;

/// Deletes a batch of what a user owns. Returns whether there was any.
pub(super) async fn delete_batch(
    db: &Database,
    id: UserId,
    now: Timestamp,
    traces: &(impl Fn(&str) -> Vec<String> + Send + Sync),
) -> Result<bool, DbError> {
    let _turn = db.bulk_turn().await;
    let transaction = db.begin().await?;
    let removed = remove_documents(&transaction, id, now, traces).await?
        || remove_uploads_of(&transaction, id, now).await?
        || remove_rows(&transaction, id).await?;
    transaction.commit().await?;
    Ok(removed)
}

async fn remove_documents(
    transaction: &DatabaseTransaction,
    id: UserId,
    now: Timestamp,
    traces: &(impl Fn(&str) -> Vec<String> + Send + Sync),
) -> Result<bool, DbError> {
    #[derive(FromQueryResult)]
    struct Counted {
        id: Uuid,
        versions: i64,
    }

    let sql = format!(
        "SELECT documents.id, (SELECT count(*) FROM (SELECT 1 FROM versions v \
         WHERE v.document_id = documents.id LIMIT {}) AS counted) AS versions FROM documents \
         WHERE documents.owner_id = $1 ORDER BY documents.created_at, documents.id LIMIT {DOCUMENTS}",
        VERSIONS + 1
    );
    let (mut documents, mut versions) = (Vec::new(), 0);
    let found: Vec<Counted> = query_as(transaction, sql, [id.0.into()]).await?;
    for document in found {
        if versions + document.versions > VERSIONS && !documents.is_empty() {
            break;
        }
        // The first document alone may have too many for one batch.
        versions += document.versions;
        documents.push(DocumentId(document.id));
    }
    let Some(first) = documents.first() else {
        return Ok(false);
    };
    lock_documents(transaction, id, &documents).await?;
    let held = if documents.len() == 1 && versions > VERSIONS {
        // Those that nobody reads first, so that the document is never without its current one.
        let others = format!(
            "SELECT v.id FROM versions v JOIN documents d ON d.id = v.document_id WHERE d.id = $1 \
             AND (d.version IS NULL OR v.number <> d.version) ORDER BY v.number LIMIT {VERSIONS}"
        );
        delete_versions(transaction, &others, first.0).await?.1
    } else {
        let documents: Vec<Uuid> = documents.iter().map(|document| document.0).collect();
        delete_documents(transaction, &documents).await?
    };
    held.untold().release(transaction, now, traces).await?;
    Ok(true)
}

/// Deletes items of finished operations, idempotency keys, and the feed.
async fn remove_rows(transaction: &DatabaseTransaction, id: UserId) -> Result<bool, DbError> {
    Ok(
        operation_items::delete_finished_of_owner(transaction, id, ROWS).await? > 0
            || idempotency::delete_of_owner(transaction, id, ROWS).await? > 0
            || webhook_deliveries::delete_of_owner(transaction, id, ROWS).await? > 0
            || events::delete_of_owner(transaction, id, ROWS).await? > 0,
    )
}
