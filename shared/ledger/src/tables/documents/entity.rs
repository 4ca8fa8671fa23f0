//! A row of `documents`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "documents")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub owner_id: Uuid,
    pub name: String,
    pub name_folded: String,
    pub unique_name: Option<String>,
    pub is_public: bool,
    pub metadata: Json,
    pub status: String,
    pub declared_type: Option<String>,
    pub mime_type: Option<String>,
    pub type_mismatch: bool,
    pub size_bytes: i64,
    pub sha256: String,
    pub version: Option<i64>,
    pub latest_version: i64,
    pub storage_url: Option<String>,
    pub error_code: Option<String>,
    pub error_detail: Option<String>,
    pub revision: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub archived_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A change of one row: what is set is written.
pub type DocumentUpdate = ActiveModel;
