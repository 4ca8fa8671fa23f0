//! Rows of `users`, and how they are read.

use sea_orm::entity::prelude::*;

use crate::DbError;
use domain::{ByteSize, Limits, Quota, Timestamp, User, UserId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    pub role: String,
    pub disabled: bool,
    pub quota_bytes: Option<i64>,
    pub quota_documents: Option<i64>,
    pub used_bytes: i64,
    pub reserved_bytes: i64,
    pub used_documents: i64,
    pub staging_bytes: i64,
    pub result_bytes: i64,
    pub failed_versions: i64,
    pub discarded_bytes: i64,
    pub created_at: i64,
    pub removed_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The user's own limits, whatever else is in the row.
    pub fn quota(&self) -> Result<Quota, DbError> {
        let corrupt = |_| DbError::corrupt("users", "quota_documents", self.id);
        let documents = self.quota_documents.map(u32::try_from);
        Ok(Quota {
            bytes: self.byte_quota(),
            documents: documents.transpose().map_err(corrupt)?,
        })
    }

    /// The same for what must not fail: a limit of documents that can't be read is none.
    pub fn lenient_quota(&self) -> Quota {
        let documents = self.quota_documents;
        Quota {
            bytes: self.byte_quota(),
            documents: documents.map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
        }
    }

    /// Bytes that are left of the quota; less than nothing if it has become smaller than what is used.
    pub fn bytes_left(&self, limits: &Limits) -> i64 {
        let limit = self.lenient_quota().byte_limit(limits).as_i64();
        limit
            .saturating_sub(self.used_bytes)
            .saturating_sub(self.reserved_bytes)
    }

    /// Documents that are left of the quota, or how many there are too many.
    pub fn documents_left(&self, limits: &Limits) -> i64 {
        i64::from(self.lenient_quota().document_limit(limits)).saturating_sub(self.used_documents)
    }

    fn byte_quota(&self) -> Option<ByteSize> {
        let bytes = self.quota_bytes;
        bytes.map(|bytes| ByteSize::new(bytes.unsigned_abs()))
    }
}

/// Without identities, which are another table's.
impl TryFrom<Model> for User {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
        let corrupt = |column| DbError::corrupt("users", column, row.id);
        Ok(Self {
            id: UserId(row.id),
            name: row.name.parse().map_err(|_| corrupt("name"))?,
            role: row.role.parse().map_err(|_| corrupt("role"))?,
            disabled: row.disabled,
            identities: Vec::new(),
            quota: row.quota()?,
            created_at: Timestamp::from_micros(row.created_at),
        })
    }
}
