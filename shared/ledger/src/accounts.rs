//! What owners are charged: the counters of their rows, given back for many owners by one
//! statement. Whoever lets go of what is counted gathers it here, and gives it back in the same
//! transaction, after all other rows are locked.

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use super::batch::{Columns, Kind, execute, parameter};
use super::users::hold_users;
use super::{DatabaseTransaction, DbError};

const CHARGES: &Columns = &[
    ("owner_id", Kind::Uuid),
    ("used", Kind::Integer),
    ("reserved", Kind::Integer),
    ("documents", Kind::Integer),
    ("staging", Kind::Integer),
    ("results", Kind::Integer),
    ("failed", Kind::Integer),
    ("discarded", Kind::Integer),
];

/// What is given back to one owner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct ChargeRow {
    owner_id: Uuid,
    /// Bytes of active versions.
    pub(super) used: i64,
    /// Bytes of pending versions, and of what an import is about to hand in.
    pub(super) reserved: i64,
    /// Documents in every status but `error`.
    pub(super) documents: i64,
    /// Archives of imports, and staged bytes of failed versions.
    pub(super) staging: i64,
    /// Archives of exports.
    pub(super) results: i64,
    /// Failed versions.
    pub(super) failed: i64,
    /// Bytes that are to be removed; what is charged anew is less than nothing.
    pub(super) discarded: i64,
}

/// What is given back, by owner.
#[derive(Debug, Default)]
pub(super) struct Charges(BTreeMap<Uuid, ChargeRow>);

impl Charges {
    /// What is given back to `owner_id` so far.
    pub(super) fn of(&mut self, owner_id: Uuid) -> &mut ChargeRow {
        self.0.entry(owner_id).or_insert_with(|| ChargeRow {
            owner_id,
            ..ChargeRow::default()
        })
    }

    /// Gives it back.
    pub(super) async fn give_back(self, transaction: &DatabaseTransaction) -> Result<(), DbError> {
        let is_something = |row: &ChargeRow| {
            let nothing = ChargeRow {
                owner_id: row.owner_id,
                ..ChargeRow::default()
            };
            *row != nothing
        };
        let charges: Vec<_> = self.0.into_values().filter(is_something).collect();
        if charges.is_empty() {
            return Ok(());
        }
        let list = transaction.dialect().rows(CHARGES);
        let owners: Vec<_> = charges.iter().map(|charge| charge.owner_id).collect();
        hold_users(transaction, &owners).await?;
        let sql = format!(
            "UPDATE users SET used_bytes = used_bytes - x.used, reserved_bytes = reserved_bytes - x.reserved, \
             used_documents = used_documents - x.documents, staging_bytes = staging_bytes - x.staging, \
             result_bytes = result_bytes - x.results, failed_versions = failed_versions - x.failed, \
             discarded_bytes = discarded_bytes - x.discarded \
             FROM {list} WHERE users.id = x.owner_id"
        );
        execute(transaction, sql, [parameter(&charges)?]).await?;
        Ok(())
    }
}
