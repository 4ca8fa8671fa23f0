//! The table `places`: URLs of places that carry the mark of the ledger, one to a handful. The
//! primary key is its only index.

use sea_orm::ActiveValue::Set;
use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

use crate::DbError;
use domain::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "places")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub url: String,
    pub marked_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// All of them, in the order of their URLs.
pub async fn list(connection: &impl ConnectionTrait) -> Result<Vec<String>, DbError> {
    let select = Entity::find().order_by_asc(Column::Url);
    let rows = select.all(connection).await?;
    Ok(rows.into_iter().map(|row| row.url).collect())
}

/// Inserts a place, unless it is there.
pub async fn insert(
    connection: &impl ConnectionTrait,
    url: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    let row = ActiveModel {
        url: Set(url.to_owned()),
        marked_at: Set(now.as_micros()),
    };
    let mut on_conflict = OnConflict::column(Column::Url);
    let insert = Entity::insert(row).on_conflict(on_conflict.do_nothing().to_owned());
    insert.exec_without_returning(connection).await?;
    Ok(())
}
