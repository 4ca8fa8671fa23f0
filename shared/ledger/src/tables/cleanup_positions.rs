//! The table `cleanup_positions`: how far each walk of the cleanup has come, by the name of the
//! walk. The primary key is its only index.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, OnConflict};

use crate::{DatabaseTransaction, DbError};

/// The walk along events that have become old.
pub const OLD_EVENTS: &str = "old_events";

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "cleanup_positions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub position: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Locks the position of a walk, and gives it; a walk that is new begins at 0.
pub async fn lock(transaction: &DatabaseTransaction, name: &str) -> Result<i64, DbError> {
    let row = ActiveModel {
        name: Set(name.to_owned()),
        position: Set(0),
    };
    let mut on_conflict = OnConflict::column(Column::Name);
    let begin = Entity::insert(row).on_conflict(on_conflict.do_nothing().to_owned());
    begin.exec_without_returning(transaction).await?;
    let select = transaction.dialect().lock(Entity::find_by_id(name));
    let row = select.one(transaction).await?;
    Ok(row.map_or(0, |row| row.position))
}

/// The position of a walk.
pub async fn read(transaction: &DatabaseTransaction, name: &str) -> Result<i64, DbError> {
    let row = Entity::find_by_id(name).one(transaction).await?;
    Ok(row.map_or(0, |row| row.position))
}

/// Moves a walk on.
pub async fn update(
    transaction: &DatabaseTransaction,
    name: &str,
    position: i64,
) -> Result<(), DbError> {
    let update = Entity::update_many()
        .col_expr(Column::Position, Expr::value(position))
        .filter(Column::Name.eq(name));
    update.exec(transaction).await?;
    Ok(())
}
