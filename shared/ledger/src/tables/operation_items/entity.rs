//! The columns of `operation_items`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "operation_items")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub operation_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    /// Not a reference: an item outlives its document. Empty until an import has created it.
    pub document_id: Option<Uuid>,
    pub name: Option<String>,
    pub result: String,
    pub code: Option<String>,
    pub detail: Option<String>,
    /// The previous state of the document, and the revision it got: what an undo needs.
    pub before: Option<Json>,
    pub revision: Option<i64>,
    /// The number of the last version that an import created.
    pub version: Option<i64>,
    /// The entry of the archive that an import reads.
    pub entry: Option<Json>,
    /// Of an item of an undo: the position of the item that it undoes.
    pub undoes_position: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
