//! The events of operations themselves: that they were created, and how they ended.

use crate::tables::events::{NewEvent, insert_events};
use crate::{DatabaseTransaction, DbError};
use domain::{EventKind, OperationEnd, OperationId, OperationStatus, Timestamp, UserId};

/// Records an event of an operation as it is now. All rows that others may lock are locked by then.
pub(super) async fn tell(
    transaction: &DatabaseTransaction,
    (owner, id): (UserId, OperationId),
    kind: EventKind,
    now: Timestamp,
) -> Result<(), DbError> {
    insert_events(transaction, &[event_of((owner, id), kind, now)]).await
}

/// The event of an operation itself.
pub(super) fn event_of(
    (owner, id): (UserId, OperationId),
    kind: EventKind,
    now: Timestamp,
) -> NewEvent {
    NewEvent::new(owner, kind, None, now).by(Some(id))
}

/// The event of an end.
pub(super) const fn kind_of_end(end: &OperationEnd) -> EventKind {
    match end {
        OperationEnd::Completed => EventKind::OperationCompleted,
        OperationEnd::Cancelled => EventKind::OperationCancelled,
        OperationEnd::Failed(_) => EventKind::OperationFailed,
    }
}

/// The event of a status that ends an operation.
pub(super) const fn kind_of_status(status: OperationStatus) -> EventKind {
    match status {
        OperationStatus::Cancelled => EventKind::OperationCancelled,
        OperationStatus::Error => EventKind::OperationFailed,
        OperationStatus::Pending | OperationStatus::Running | OperationStatus::Completed => {
            EventKind::OperationCompleted
        }
    }
}
