//! The table `write_checks`: one row, which is written to find out whether the database can write.

use sea_orm::ExprTrait;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, LockBehavior, LockType, Query};

use crate::DbError;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "write_checks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub writes: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Writes the row, unless another transaction has locked it.
pub async fn count(connection: &impl ConnectionTrait) -> Result<(), DbError> {
    let free = Query::select()
        .column(Column::Id)
        .from(Entity)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .to_owned();
    let count = Entity::update_many()
        .col_expr(Column::Writes, Expr::col(Column::Writes).add(1_i64))
        .filter(Column::Id.in_subquery(free));
    count.exec(connection).await?;
    Ok(())
}
