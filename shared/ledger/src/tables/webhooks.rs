//! The table `webhooks`: where an owner's events are delivered.
//!
//! - The primary key finds one.
//! - `webhooks_of_owner` pages those of a user.

use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder, QuerySelect};
use serde::Serialize;

use crate::batch::{Columns, Kind, parameter, query_column};
use crate::{Database, DatabaseTransaction, DbError};
use domain::{JobId, UserId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhooks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub owner_id: Uuid,
    pub url: String,
    pub types: String,
    pub description: Option<String>,
    pub status: String,
    pub disabled_reason: Option<String>,
    pub secret: String,
    pub old_secret: Option<String>,
    pub old_secret_until: Option<i64>,
    pub position: i64,
    pub is_full: bool,
    pub due_at: Option<i64>,
    pub job_id: Option<Uuid>,
    pub failing_since: Option<i64>,
    pub last_success_at: Option<i64>,
    pub last_failure_at: Option<i64>,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Inserts a webhook.
pub async fn insert(transaction: &DatabaseTransaction, webhook: Model) -> Result<(), DbError> {
    let insert = Entity::insert(webhook.into_active_model());
    insert.exec_without_returning(transaction).await?;
    Ok(())
}

/// Returns the webhook with this id.
pub async fn find(db: &Database, id: Uuid) -> Result<Option<Model>, DbError> {
    Ok(Entity::find_by_id(id).one(db.reader()).await?)
}

/// Returns at most `limit` webhooks of a user, newest first, after the one with id `before`.
pub async fn list(
    db: &Database,
    owner: UserId,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Model>, DbError> {
    let mut select = Entity::find().filter(Column::OwnerId.eq(owner.0));
    if let Some(before) = before {
        select = select.filter(Column::Id.lt(before));
    }
    let select = select.order_by_desc(Column::Id).limit(limit);
    Ok(select.all(db.reader()).await?)
}

/// Returns how many webhooks a user has.
pub async fn count(transaction: &DatabaseTransaction, owner: UserId) -> Result<u64, DbError> {
    let select = Entity::find().filter(Column::OwnerId.eq(owner.0));
    Ok(sea_orm::PaginatorTrait::count(select, transaction).await?)
}

/// Locks a webhook, and returns it.
pub async fn lock(transaction: &DatabaseTransaction, id: Uuid) -> Result<Option<Model>, DbError> {
    let select = transaction.dialect().lock(Entity::find_by_id(id));
    Ok(select.one(transaction).await?)
}

/// Writes a locked webhook.
pub async fn update(transaction: &DatabaseTransaction, webhook: Model) -> Result<(), DbError> {
    webhook
        .into_active_model()
        .reset_all()
        .update_without_returning(transaction)
        .await?;
    Ok(())
}

/// Deletes a webhook, with its deliveries.
pub async fn delete(transaction: &DatabaseTransaction, id: Uuid) -> Result<(), DbError> {
    Entity::delete_by_id(id).exec(transaction).await?;
    Ok(())
}

/// A webhook that gets a job.
#[derive(Debug, Serialize)]
pub struct NextJob {
    pub id: Uuid,
    /// The job that it had when it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<Uuid>,
    pub job_id: JobId,
}

/// Gives webhooks jobs, unless others have done so. Returns the jobs that were given.
pub async fn give_jobs(
    transaction: &DatabaseTransaction,
    jobs: &[NextJob],
) -> Result<Vec<Uuid>, DbError> {
    const COLUMNS: &Columns = &[
        ("id", Kind::Uuid),
        ("was", Kind::Uuid),
        ("job_id", Kind::Uuid),
    ];
    let sql = format!(
        "UPDATE webhooks SET job_id = x.job_id FROM {} WHERE webhooks.id = x.id \
         AND (webhooks.job_id = x.was OR (webhooks.job_id IS NULL AND x.was IS NULL)) \
         RETURNING webhooks.job_id",
        transaction.dialect().rows(COLUMNS)
    );
    query_column(transaction, sql, [parameter(jobs)?]).await
}
