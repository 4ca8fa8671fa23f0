//! The table `quarantine`: URLs of stored bytes that no row refers to, which are kept in place for
//! a while.
//!
//! - The primary key finds those within a place.
//! - `quarantine_by_age` finds those that are due.

use sea_orm::ActiveValue::Set;
use sea_orm::Value;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

use crate::batch::{execute, parameter};
use crate::{DatabaseTransaction, DbError};
use domain::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "quarantine")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub url: String,
    pub size_bytes: i64,
    pub since: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Inserts an object, unless it is there.
pub async fn insert(transaction: &DatabaseTransaction, object: Model) -> Result<(), DbError> {
    let row = ActiveModel {
        url: Set(object.url),
        size_bytes: Set(object.size_bytes),
        since: Set(object.since),
    };
    let mut on_conflict = OnConflict::column(Column::Url);
    let insert = Entity::insert(row).on_conflict(on_conflict.do_nothing().to_owned());
    insert.exec_without_returning(transaction).await?;
    Ok(())
}

/// Inserts the objects `x.url` and `x.size_bytes` of `source`, a FROM item with its conditions over
/// the parameter `$1`. Returns how many were inserted.
pub async fn insert_from(
    connection: &impl ConnectionTrait,
    source: &str,
    parameter: Value,
    now: Timestamp,
) -> Result<u64, DbError> {
    let sql = format!(
        "INSERT INTO quarantine (url, size_bytes, since) SELECT x.url, x.size_bytes, $2 FROM {source} \
         ON CONFLICT DO NOTHING"
    );
    execute(connection, sql, [parameter, now.as_micros().into()]).await
}

/// Deletes objects.
pub async fn delete(transaction: &DatabaseTransaction, urls: &[String]) -> Result<(), DbError> {
    let sql = format!(
        "DELETE FROM quarantine WHERE url IN ({})",
        transaction.dialect().texts()
    );
    execute(transaction, sql, [parameter(urls)?]).await?;
    Ok(())
}
