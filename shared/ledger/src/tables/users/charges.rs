//! What is added to the counters of users, for many of them by one statement. Callers charge in
//! the transaction that changes the rows which are counted, after all other rows are locked.

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use super::locks::lock_all;
use crate::batch::{Columns, Kind, execute, parameter};
use crate::{DatabaseTransaction, DbError};

/// The columns of a [`Charge`] in a batch.
pub(super) const COLUMNS: &Columns = &[
    ("owner_id", Kind::Uuid),
    ("used_bytes", Kind::Integer),
    ("reserved_bytes", Kind::Integer),
    ("used_documents", Kind::Integer),
    ("staging_bytes", Kind::Integer),
    ("result_bytes", Kind::Integer),
    ("failed_versions", Kind::Integer),
    ("discarded_bytes", Kind::Integer),
];

/// Adds the charge `x` to its user.
pub(super) const ADD: &str = "UPDATE users SET used_bytes = users.used_bytes + x.used_bytes, \
     reserved_bytes = users.reserved_bytes + x.reserved_bytes, \
     used_documents = users.used_documents + x.used_documents, \
     staging_bytes = users.staging_bytes + x.staging_bytes, \
     result_bytes = users.result_bytes + x.result_bytes, \
     failed_versions = users.failed_versions + x.failed_versions, \
     discarded_bytes = users.discarded_bytes + x.discarded_bytes";

/// What is added to the counters of one user; what is below zero is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Charge {
    /// The user.
    pub owner_id: Uuid,
    /// Bytes of active versions.
    pub used_bytes: i64,
    /// Bytes of pending versions, and of what an import takes in next.
    pub reserved_bytes: i64,
    /// Documents in every status but `error`.
    pub used_documents: i64,
    /// Archives of imports, and staged bytes of failed versions.
    pub staging_bytes: i64,
    /// Archives of exports.
    pub result_bytes: i64,
    /// Failed versions.
    pub failed_versions: i64,
    /// Bytes that wait to be removed.
    pub discarded_bytes: i64,
}

impl Charge {
    /// Nothing, to a user.
    pub const fn to(owner_id: Uuid) -> Self {
        Self {
            owner_id,
            used_bytes: 0,
            reserved_bytes: 0,
            used_documents: 0,
            staging_bytes: 0,
            result_bytes: 0,
            failed_versions: 0,
            discarded_bytes: 0,
        }
    }
}

/// Adds each charge to the counters of its user, of whom there is one charge each. Users who are
/// gone are passed over, and charges of nothing cost no statement.
pub async fn charge(
    transaction: &DatabaseTransaction,
    charges: impl IntoIterator<Item = Charge>,
) -> Result<(), DbError> {
    let is_something = |charge: &Charge| *charge != Charge::to(charge.owner_id);
    let charges: Vec<_> = charges.into_iter().filter(is_something).collect();
    if charges.is_empty() {
        return Ok(());
    }
    let owners: Vec<_> = charges.iter().map(|charge| charge.owner_id).collect();
    lock_all(transaction, &owners).await?;
    let list = transaction.dialect().rows(COLUMNS);
    let sql = format!("{ADD} FROM {list} WHERE users.id = x.owner_id");
    execute(transaction, sql, [parameter(&charges)?]).await?;
    Ok(())
}

/// Charges that are gathered, one for each user.
#[derive(Debug, Default)]
pub struct Charges(BTreeMap<Uuid, Charge>);

impl Charges {
    /// What is charged to `owner_id` so far.
    pub fn to(&mut self, owner_id: Uuid) -> &mut Charge {
        let charge = self.0.entry(owner_id);
        charge.or_insert_with(|| Charge::to(owner_id))
    }

    /// Charges all of it.
    pub async fn write(self, transaction: &DatabaseTransaction) -> Result<(), DbError> {
        charge(transaction, self.0.into_values()).await
    }
}
