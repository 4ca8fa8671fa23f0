//! The columns of `operations`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "operations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub owner_id: Uuid,
    pub action: String,
    pub status: String,
    pub dry_run: bool,
    /// What the action needs to know, such as the changes of an update.
    pub options: Json,
    /// The operation that this one undoes.
    pub undoes: Option<Uuid>,
    pub cancel_requested: bool,
    pub total: i64,
    pub succeeded: i64,
    pub failed: i64,
    pub skipped: i64,
    /// Items before it have an outcome. Of an expired operation: items before it are deleted.
    pub next_position: i64,
    pub error_code: Option<String>,
    pub error_detail: Option<String>,
    pub created_at: i64,
    pub started_at: Option<i64>,
    pub finished_at: Option<i64>,
    /// The archive of an import.
    pub source_url: Option<String>,
    pub source_size: i64,
    /// The archive of an export.
    pub result_url: Option<String>,
    pub result_size: Option<i64>,
    pub result_sha256: Option<String>,
    pub result_expires_at: Option<i64>,
    /// Bytes that its running job has reserved.
    pub held_bytes: i64,
    /// Bytes of the previous states that its items keep.
    pub before_bytes: i64,
    /// Since when nobody sees it; of a draft: when it expires unless it is completed.
    pub expired_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
