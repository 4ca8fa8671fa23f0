//! Events: what the log tells, as the kind of a timeline's entry and as the type of a feed's event.

use std::fmt;
use std::str::FromStr;

use super::operation::{UnknownWord, words};

words! {
    /// The type of an event, as feeds and webhooks tell it.
    EventType,
    /// A document was accepted.
    DocumentAccepted = "document.accepted",
    /// Its first version became active.
    DocumentActivated = "document.activated",
    /// It ended in `error`.
    DocumentFailed = "document.failed",
    /// Its name, visibility or metadata changed, or it is tried again.
    DocumentUpdated = "document.updated",
    /// It was archived.
    DocumentArchived = "document.archived",
    /// It was restored from the archive.
    DocumentRestored = "document.restored",
    /// It was deleted, with all its versions.
    DocumentDeleted = "document.deleted",
    /// A further version was accepted.
    VersionAccepted = "document.version_accepted",
    /// A further version became active.
    VersionActivated = "document.version_activated",
    /// A version failed, and the document has another one.
    VersionFailed = "document.version_failed",
    /// A version was deleted.
    VersionDeleted = "document.version_deleted",
    /// An operation was created.
    OperationCreated = "operation.created",
    /// It dealt with all its items.
    OperationCompleted = "operation.completed",
    /// It was cancelled.
    OperationCancelled = "operation.cancelled",
    /// It could not go on.
    OperationFailed = "operation.failed",
    /// A resumable upload expired before it was complete.
    UploadExpired = "upload.expired",
    /// An upload by a ticket began.
    TicketUsed = "ticket.used",
}

/// What an entry of the log tells: in a timeline, in a feed, or in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A document or version was accepted.
    Accepted {
        /// Whether the document had none before.
        is_first: bool,
    },
    /// A version became active.
    Activated {
        /// Whether the document was pending until then.
        is_first: bool,
    },
    /// A version failed.
    Failed {
        /// Whether the document ended in `error` with it.
        is_last: bool,
    },
    /// An attempt to process a version failed, and is repeated.
    AttemptFailed,
    /// A document was edited.
    Edited,
    /// A failed version is tried again.
    Retried,
    /// A document was archived.
    Archived,
    /// A document was restored.
    Restored,
    /// A document was deleted.
    Deleted,
    /// An old version became the current one again, under a new number.
    VersionRestored,
    /// A version was deleted.
    VersionDeleted,
    /// An operation was created.
    OperationCreated,
    /// An operation dealt with all its items.
    OperationCompleted,
    /// An operation was cancelled.
    OperationCancelled,
    /// An operation could not go on.
    OperationFailed,
    /// An upload expired.
    UploadExpired,
    /// An upload by a ticket began.
    TicketUsed,
}

impl EventKind {
    /// The kind of the entry in the document's timeline; `None` if it has none there.
    #[must_use]
    pub const fn timeline(self) -> Option<&'static str> {
        Some(match self {
            Self::Accepted { .. } => "accepted",
            Self::Activated { .. } => "activated",
            Self::Failed { .. } => "failed",
            Self::AttemptFailed => "attempt_failed",
            Self::Edited => "edited",
            Self::Retried => "retried",
            Self::Archived => "archived",
            Self::Restored => "restored",
            Self::VersionRestored => "version_restored",
            Self::VersionDeleted => "version_deleted",
            // There is no timeline any more, or never was.
            Self::Deleted
            | Self::OperationCreated
            | Self::OperationCompleted
            | Self::OperationCancelled
            | Self::OperationFailed
            | Self::UploadExpired
            | Self::TicketUsed => return None,
        })
    }

    /// The type of the event in the owner's feed; `None` if it isn't told there.
    #[must_use]
    pub const fn told(self) -> Option<EventType> {
        Some(match self {
            Self::Accepted { is_first: true } => EventType::DocumentAccepted,
            Self::Accepted { is_first: false } => EventType::VersionAccepted,
            Self::Activated { is_first: true } => EventType::DocumentActivated,
            Self::Activated { is_first: false } | Self::VersionRestored => {
                EventType::VersionActivated
            }
            Self::Failed { is_last: true } => EventType::DocumentFailed,
            Self::Failed { is_last: false } => EventType::VersionFailed,
            Self::AttemptFailed => return None,
            Self::Edited | Self::Retried => EventType::DocumentUpdated,
            Self::Archived => EventType::DocumentArchived,
            Self::Restored => EventType::DocumentRestored,
            Self::Deleted => EventType::DocumentDeleted,
            Self::VersionDeleted => EventType::VersionDeleted,
            Self::OperationCreated => EventType::OperationCreated,
            Self::OperationCompleted => EventType::OperationCompleted,
            Self::OperationCancelled => EventType::OperationCancelled,
            Self::OperationFailed => EventType::OperationFailed,
            Self::UploadExpired => EventType::UploadExpired,
            Self::TicketUsed => EventType::TicketUsed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_are_a_closed_list() {
        let types: Vec<_> = EventType::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(
            types,
            [
                "document.accepted",
                "document.activated",
                "document.failed",
                "document.updated",
                "document.archived",
                "document.restored",
                "document.deleted",
                "document.version_accepted",
                "document.version_activated",
                "document.version_failed",
                "document.version_deleted",
                "operation.created",
                "operation.completed",
                "operation.cancelled",
                "operation.failed",
                "upload.expired",
                "ticket.used",
            ]
        );
        for kind in EventType::ALL {
            assert_eq!(kind.as_str().parse::<EventType>().unwrap(), *kind);
        }
        assert!("document.read".parse::<EventType>().is_err());
    }
}
