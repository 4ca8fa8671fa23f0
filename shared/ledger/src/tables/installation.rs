//! The table `installation`: one row, the id by which the ledger and its places know each other.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

use crate::DbError;
use crate::batch::execute;
use domain::{InstallationId, Timestamp};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "installation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub one: i64,
    pub id: Uuid,
    pub created_at: i64,
    pub secret: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The id, if there is one.
pub async fn find(connection: &impl ConnectionTrait) -> Result<Option<InstallationId>, DbError> {
    let row = Entity::find().one(connection).await?;
    Ok(row.map(|row| InstallationId(row.id)))
}

/// Inserts a new id, unless there is one.
pub async fn insert(connection: &impl ConnectionTrait, now: Timestamp) -> Result<(), DbError> {
    let row = ActiveModel {
        one: Set(1),
        id: Set(InstallationId::new(now).0),
        created_at: Set(now.as_micros()),
        secret: Set(None),
    };
    let mut on_conflict = OnConflict::column(Column::One);
    let insert = Entity::insert(row).on_conflict(on_conflict.do_nothing().to_owned());
    insert.exec_without_returning(connection).await?;
    Ok(())
}

/// The secret, if there is one.
pub async fn secret(connection: &impl ConnectionTrait) -> Result<Option<String>, DbError> {
    let row = Entity::find().one(connection).await?;
    Ok(row.and_then(|row| row.secret))
}

/// Keeps a secret, unless there is one.
pub async fn keep_secret(connection: &impl ConnectionTrait, secret: &str) -> Result<(), DbError> {
    let sql = "UPDATE installation SET secret = $1 WHERE secret IS NULL";
    execute(connection, sql, [secret.into()]).await?;
    Ok(())
}
