//! The staged bytes of versions that failed: kept for another try while the staging allowance of
//! their owner has room for them, let go of otherwise.
//!
//! Bytes that a policy of the operator refused may pass under another one. They are kept while
//! they are few; bytes that can't pass whatever changes are let go of at once.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use uuid::Uuid;

use super::{Outcome, Settlement};
use crate::batch::{Columns, Kind, execute, parameter, query};
use crate::work::PendingWork;
use crate::{DatabaseTransaction, DbError};
use domain::{Allowances, ByteSize, Failure, Keeping, Timestamp};

const CHARGES: &Columns = &[
    ("owner_id", Kind::Uuid),
    ("bytes", Kind::Integer),
    ("most", Kind::Integer),
];

/// What is to be charged to an owner, whose staging counter must not pass `most` by it.
#[derive(Clone, Copy, Serialize)]
struct ChargeRow {
    owner_id: Uuid,
    bytes: i64,
    most: i64,
}

/// Whether the bytes of a version that fails this way may be kept at all.
pub(super) fn may_be_kept(failure: &Failure) -> bool {
    failure.code.keeping() != Keeping::Never
}

fn charge_of(work: &PendingWork, failure: &Failure) -> ChargeRow {
    let most = match failure.code.keeping() {
        Keeping::ForAnotherTry => work.staging_allowance,
        Keeping::WhileFew => work.staging_allowance.min(Allowances::REFUSED),
        Keeping::Never => ByteSize::ZERO,
    };
    ChargeRow {
        owner_id: work.owner.0,
        bytes: work.size.as_i64(),
        most: most.as_i64(),
    }
}

/// Charges what is kept of `candidates`, failed versions whose rows still have their bytes, and
/// takes the bytes from the rows of those that have no room. Gives the versions that keep theirs.
pub(super) async fn charge_kept(
    transaction: &DatabaseTransaction,
    live: &[&Settlement],
    candidates: &HashSet<Uuid>,
    now: Timestamp,
) -> Result<HashSet<Uuid>, DbError> {
    let mut charges = Vec::new();
    let mut sums: HashMap<Uuid, ChargeRow> = HashMap::new();
    for settlement in live {
        let (Outcome::Failed { failure, .. }, Some(work)) = (&settlement.outcome, &settlement.work)
        else {
            continue;
        };
        if !candidates.contains(&work.version.0) {
            continue;
        }
        let charge = charge_of(work, failure);
        charges.push((work.version.0, charge));
        sums.entry(charge.owner_id)
            .and_modify(|sum| {
                sum.bytes = sum.bytes.saturating_add(charge.bytes);
                sum.most = sum.most.min(charge.most);
            })
            .or_insert(charge);
    }
    if charges.is_empty() {
        return Ok(HashSet::new());
    }
    let sums: Vec<_> = sums.into_values().collect();
    let whole = charge(transaction, &sums, now).await?;
    let (mut kept, mut let_go) = (HashSet::new(), Vec::new());
    for (version, one) in charges {
        let fits =
            whole.contains(&one.owner_id) || !charge(transaction, &[one], now).await?.is_empty();
        if fits {
            kept.insert(version);
        } else {
            let_go.push(version);
        }
    }
    if !let_go.is_empty() {
        let sql = format!(
            "UPDATE versions SET staged_url = NULL WHERE id IN ({})",
            transaction.dialect().ids()
        );
        execute(transaction, sql, [parameter(&let_go)?]).await?;
    }
    Ok(kept)
}

/// The owners whose charge fits, and was made. Their rows were locked before.
async fn charge(
    transaction: &DatabaseTransaction,
    charges: &[ChargeRow],
    now: Timestamp,
) -> Result<HashSet<Uuid>, DbError> {
    let list = transaction.dialect().rows(CHARGES);
    let sql = format!(
        "UPDATE users SET staging_bytes = staging_bytes + x.bytes FROM {list} WHERE users.id = x.owner_id \
         AND users.staging_bytes + x.bytes + (SELECT CAST(COALESCE(sum(g.bytes), 0) AS bigint) \
         FROM upload_grants g WHERE g.user_id = users.id AND g.expires_at > $2) <= x.most RETURNING users.id"
    );
    let values = [parameter(charges)?, now.as_micros().into()];
    let owners = query(transaction, sql, values).await?;
    owners
        .into_iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect()
}
