//! The columns of `uploads`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "uploads")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub owner_id: Uuid,
    pub protocol: String,
    pub status: String,
    pub name: Option<String>,
    pub purpose: String,
    pub metadata: String,
    pub concat: String,
    pub offset_bytes: i64,
    pub length_bytes: Option<i64>,
    pub ends: bool,
    pub reserved_bytes: i64,
    pub reserved_documents: i64,
    pub digest: String,
    pub expected_sha256: Option<String>,
    pub staged_url: Option<String>,
    pub tail_url: Option<String>,
    pub parts: String,
    pub skipped_parts: i64,
    pub fence: i64,
    pub held_parts: i64,
    pub joins: Option<String>,
    pub joined_by: Option<Uuid>,
    pub document_id: Option<Uuid>,
    pub version: Option<i64>,
    pub ticket_id: Option<Uuid>,
    pub max_bytes: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
