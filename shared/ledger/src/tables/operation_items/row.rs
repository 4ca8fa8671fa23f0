//! Decodes an item as its owner sees it.

use sea_orm::DerivePartialModel;
use uuid::Uuid;

use super::entity::Entity;
use crate::DbError;
use domain::{DocumentId, ItemReason, OperationItem};

/// The columns that make an [`OperationItem`]: without previous states and entries, which may be
/// large.
#[derive(Clone, Debug, DerivePartialModel)]
#[sea_orm(entity = "Entity")]
pub struct ItemRow {
    operation_id: Uuid,
    pub position: i64,
    document_id: Option<Uuid>,
    name: Option<String>,
    result: String,
    code: Option<String>,
    detail: Option<String>,
}

impl TryFrom<ItemRow> for OperationItem {
    type Error = DbError;

    fn try_from(row: ItemRow) -> Result<Self, DbError> {
        let corrupt = |column| DbError::corrupt("operation_items", column, row.operation_id);
        let reason = match (row.code, row.detail) {
            (Some(code), Some(detail)) => Some(ItemReason {
                code: code.parse().map_err(|_| corrupt("code"))?,
                detail,
            }),
            _ => None,
        };
        Ok(Self {
            position: u32::try_from(row.position).map_err(|_| corrupt("position"))?,
            document: row.document_id.map(DocumentId),
            name: row.name,
            result: row.result.parse().map_err(|_| corrupt("result"))?,
            reason,
        })
    }
}
