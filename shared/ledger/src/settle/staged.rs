//! The staged bytes of failed versions: kept for a retry while they fit into the owner's staging
//! allowance, discarded otherwise.
//!
//! Bytes refused by a policy of the operator may pass under another policy. They are kept while
//! they are small; bytes that can never pass are discarded at once.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{Outcome, Settlement};
use crate::tables::users::{StagingCharge, charge_staging};
use crate::tables::versions::forget_staged_bytes;
use crate::work::PendingWork;
use crate::{DatabaseTransaction, DbError};
use domain::{Allowances, ByteSize, Failure, Keeping, Timestamp};

/// Whether the bytes of a version that failed this way may be kept.
pub(super) fn may_be_kept(failure: &Failure) -> bool {
    failure.code.keeping() != Keeping::Never
}

fn charge_of(work: &PendingWork, failure: &Failure) -> StagingCharge {
    let most = match failure.code.keeping() {
        Keeping::ForAnotherTry => work.staging_allowance,
        Keeping::WhileFew => work.staging_allowance.min(Allowances::REFUSED),
        Keeping::Never => ByteSize::ZERO,
    };
    StagingCharge {
        owner_id: work.owner.0,
        bytes: work.size.as_i64(),
        most: most.as_i64(),
    }
}

/// Charges the bytes of those of `candidates` that fit, and clears the URLs of the others.
/// `candidates` are failed versions whose rows still have their bytes. Returns the versions that
/// keep theirs.
pub(super) async fn charge_kept(
    transaction: &DatabaseTransaction,
    live: &[&Settlement],
    candidates: &HashSet<Uuid>,
    now: Timestamp,
) -> Result<HashSet<Uuid>, DbError> {
    let mut charges = Vec::new();
    let mut sums: HashMap<Uuid, StagingCharge> = HashMap::new();
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
    let whole = charge_staging(transaction, &sums, now).await?;
    let (mut kept, mut let_go) = (HashSet::new(), Vec::new());
    for (version, one) in charges {
        let fits = whole.contains(&one.owner_id)
            || !charge_staging(transaction, &[one], now).await?.is_empty();
        if fits {
            kept.insert(version);
        } else {
            let_go.push(version);
        }
    }
    if !let_go.is_empty() {
        forget_staged_bytes(transaction, &let_go).await?;
    }
    Ok(kept)
}
