//! Finds operations by their ids.

use sea_orm::{
    ColumnTrait, ConnectionTrait, DerivePartialModel, EntityTrait, FromQueryResult, QueryFilter,
    QuerySelect,
};
use uuid::Uuid;

use super::entity::{Column, Entity};
use super::row::OperationRow;
use crate::batch::{parameter, query};
use crate::dialect::Dialect;
use crate::{DatabaseTransaction, DbError};
use domain::{Operation, OperationId};

/// The operation with that id, of any owner, unless it has expired.
pub async fn find(
    connection: &impl ConnectionTrait,
    id: OperationId,
) -> Result<Option<Operation>, DbError> {
    let select = Entity::find_by_id(id.0).filter(Column::ExpiredAt.is_null());
    let row = select.into_partial_model::<OperationRow>().one(connection);
    row.await?.map(Operation::try_from).transpose()
}

/// Whether another operation undoes this one, or has undone it.
pub async fn is_undone(
    transaction: &DatabaseTransaction,
    id: OperationId,
) -> Result<bool, DbError> {
    let undo = Entity::find()
        .filter(Column::Undoes.eq(id.0))
        .select_only()
        .column(Column::Id)
        .into_tuple::<Uuid>()
        .one(transaction);
    Ok(undo.await?.is_some())
}

/// The columns of an export's archive.
#[derive(Clone, Debug, DerivePartialModel)]
#[sea_orm(entity = "Entity")]
pub struct ResultRow {
    #[sea_orm(from_col = "result_url")]
    pub url: Option<String>,
    #[sea_orm(from_col = "result_size")]
    pub size: Option<i64>,
    #[sea_orm(from_col = "result_sha256")]
    pub sha256: Option<String>,
    #[sea_orm(from_col = "result_expires_at")]
    pub expires_at: Option<i64>,
}

/// The archive of an export, if it has one.
pub async fn find_result(
    connection: &impl ConnectionTrait,
    id: OperationId,
) -> Result<Option<ResultRow>, DbError> {
    let select = Entity::find_by_id(id.0).filter(Column::ResultUrl.is_not_null());
    let row = select.into_partial_model::<ResultRow>().one(connection);
    Ok(row.await?)
}

/// Those of `operations` that have ended or don't exist any more.
pub async fn find_ended(
    connection: &impl ConnectionTrait,
    operations: &[OperationId],
) -> Result<Vec<OperationId>, DbError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
    }

    let list = Dialect::of(connection).listed_ids();
    let sql = format!(
        "SELECT x.id AS id FROM {list} LEFT JOIN operations ON operations.id = x.id \
         WHERE operations.status IS NULL OR operations.status NOT IN ('pending', 'running')"
    );
    let found = query(connection, sql, [parameter(operations)?]).await?;
    let ids = found.iter().map(|row| Row::from_query_result(row, ""));
    ids.map(|row| Ok(OperationId(row?.id))).collect()
}
