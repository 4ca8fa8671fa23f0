//! Archives of exports and imports: what their jobs have reserved, and how they are discarded.

use crate::discards::Discard;
use crate::tables::operation_items;
use crate::tables::operations::{self, Locked};
use crate::tables::users::Charges;
use crate::{Database, DatabaseTransaction, DbError, discards};
use domain::{Action, Operation, OperationId, Timestamp, UserId};

/// The counter of what an operation's job has reserved: an import reserves quota, an export result
/// allowance.
pub(super) fn reserved_counter(charges: &mut Charges, owner: UserId, action: Action) -> &mut i64 {
    let charge = charges.to(owner.0);
    match action {
        Action::Export => &mut charge.result_bytes,
        _ => &mut charge.reserved_bytes,
    }
}

/// Gives back what an operation's job has reserved.
pub(super) async fn release_reserved(
    transaction: &DatabaseTransaction,
    locked: &Locked,
) -> Result<(), DbError> {
    if locked.held_bytes == 0 {
        return Ok(());
    }
    let Operation {
        id, owner, action, ..
    } = locked.operation;
    operations::set_held_bytes(transaction, id, 0).await?;
    let mut charges = Charges::default();
    *reserved_counter(&mut charges, owner, action) -= locked.held_bytes;
    charges.write(transaction).await
}

/// Makes the exported items of an archive that is thrown away pending again.
pub(super) async fn reset_exported(
    transaction: &DatabaseTransaction,
    id: OperationId,
) -> Result<(), DbError> {
    operation_items::reset_succeeded(transaction, id).await?;
    operations::reset_succeeded(transaction, id).await
}

/// Discards the archive of an import that has ended. The caller has locked it.
pub(super) async fn discard_source(
    transaction: &DatabaseTransaction,
    locked: &Locked,
    now: Timestamp,
) -> Result<(), DbError> {
    let Some(source) = &locked.source_url else {
        return Ok(());
    };
    operations::clear_archives(transaction, &[locked.operation.id]).await?;
    let mut charges = Charges::default();
    let owner = locked.operation.owner.0;
    charges.to(owner).staging_bytes -= locked.source_size;
    let source = [Discard::of(owner, source.clone(), locked.source_size)];
    discards::add_charged(transaction, &source, &mut charges, now).await?;
    charges.write(transaction).await
}

/// Discards archives that are not kept any longer: expired results, and archives of imports that
/// ended before `ended_before`. Returns how many.
pub async fn expire_archives(
    db: &Database,
    ended_before: Timestamp,
    now: Timestamp,
) -> Result<u64, DbError> {
    let transaction = db.begin().await?;
    let mut discarded = Vec::new();
    let mut expired = Vec::new();
    let mut charges = Charges::default();
    for archive in operations::lock_expired_archives(&transaction, ended_before, now).await? {
        let (result, source) = (archive.result_size, archive.source_size);
        expired.push(OperationId(archive.id));
        let charge = charges.to(archive.owner_id);
        charge.result_bytes -= result;
        charge.staging_bytes -= source;
        let size = result.max(source);
        discarded.push(Discard::of(archive.owner_id, archive.url, size));
    }
    operations::clear_archives(&transaction, &expired).await?;
    discards::add_charged(&transaction, &discarded, &mut charges, now).await?;
    charges.write(&transaction).await?;
    transaction.commit().await?;
    Ok(discarded.len() as u64)
}
