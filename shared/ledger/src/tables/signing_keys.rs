//! The table `signing_keys`: public keys of receipts that were ever signed, one to a handful. The
//! primary key is its only index.

use sea_orm::QueryOrder as _;
use sea_orm::entity::prelude::*;

use crate::DbError;
use crate::batch::execute;
use domain::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub public_key: String,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Keeps a key, unless it is kept.
pub async fn keep(
    connection: &impl ConnectionTrait,
    key: String,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "INSERT INTO signing_keys (public_key, created_at) VALUES ($1, $2) \
         ON CONFLICT (public_key) DO NOTHING";
    let values = [key.into(), now.as_micros().into()];
    execute(connection, sql, values).await?;
    Ok(())
}

/// All keys, the newest first.
pub async fn list(connection: &impl ConnectionTrait) -> Result<Vec<String>, DbError> {
    let select = Entity::find()
        .order_by_desc(Column::CreatedAt)
        .order_by_asc(Column::PublicKey);
    let rows = select.all(connection).await?;
    Ok(rows.into_iter().map(|row| row.public_key).collect())
}
