//! The table `workers`: signs of life, one row for each worker. It stays small: the primary key is
//! its only index, and pages the list of workers.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

use crate::DbError;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "workers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub queues: String,
    pub running: i64,
    pub last_seen: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Writes the row of a worker, whether it has one or not.
pub async fn upsert(connection: &impl ConnectionTrait, row: Model) -> Result<(), DbError> {
    let row = ActiveModel {
        name: Set(row.name),
        queues: Set(row.queues),
        running: Set(row.running),
        last_seen: Set(row.last_seen),
    };
    let mut on_conflict = OnConflict::column(Column::Name);
    on_conflict.update_columns([Column::Queues, Column::Running, Column::LastSeen]);
    let upsert = Entity::insert(row).on_conflict(on_conflict);
    upsert.exec_without_returning(connection).await?;
    Ok(())
}

/// Deletes workers that were last seen before a moment, in microseconds.
pub async fn delete_silent(
    connection: &impl ConnectionTrait,
    silent_since: i64,
) -> Result<(), DbError> {
    let delete = Entity::delete_many().filter(Column::LastSeen.lt(silent_since));
    delete.exec(connection).await?;
    Ok(())
}

/// Deletes a worker.
pub async fn delete(connection: &impl ConnectionTrait, name: &str) -> Result<(), DbError> {
    Entity::delete_by_id(name).exec(connection).await?;
    Ok(())
}

/// Deletes all workers.
pub async fn delete_all(connection: &impl ConnectionTrait) -> Result<(), DbError> {
    Entity::delete_many().exec(connection).await?;
    Ok(())
}
