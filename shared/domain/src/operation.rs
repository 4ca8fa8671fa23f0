//! Bulk operations: their action, status and counts.

use std::fmt;
use std::str::FromStr;

use super::{OperationId, Timestamp, UserId};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name, as in the API and the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                let mut all = Self::ALL.iter().copied();
                all.find(|word| word.as_str() == text)
                    .ok_or(UnknownWord { known: &[$($text),*] })
            }
        }
    };
}

pub(crate) use words;

/// A text that is not one of the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {}", .known.join(", "))]
pub struct UnknownWord {
    pub(crate) known: &'static [&'static str],
}

words! {
    /// The action on each item.
    Action,
    /// Archived.
    Archive = "archive",
    /// Restored.
    Restore = "restore",
    /// Deleted with all versions.
    Delete = "delete",
    /// Edited by the same patch.
    Update = "update",
    /// The latest version retried.
    Retry = "retry",
    /// Written into an archive.
    Export = "export",
    /// Read from an archive.
    Import = "import",
    /// Reverted to what it was before another operation.
    Undo = "undo",
}

words! {
    /// The status of an operation.
    OperationStatus,
    /// Not started.
    Pending = "pending",
    /// Some items may be processed.
    Running = "running",
    /// Every item was processed.
    Completed = "completed",
    /// Cancelled; the rest was skipped.
    Cancelled = "cancelled",
    /// It failed.
    Error = "error",
}

words! {
    /// The result of an item.
    ItemResult,
    /// Not processed yet.
    Pending = "pending",
    /// Done, or in a dry run: would be done.
    Succeeded = "succeeded",
    /// Not possible; the code says why.
    Failed = "failed",
    /// There was nothing to do.
    Skipped = "skipped",
}

/// How an operation failed as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationFailure {
    /// The code, for programs.
    pub code: OperationErrorCode,
    /// A sentence, for people; it never contains an internal cause.
    pub detail: String,
}

impl From<OperationErrorCode> for OperationFailure {
    fn from(code: OperationErrorCode) -> Self {
        Self {
            code,
            detail: code.detail().to_owned(),
        }
    }
}

words! {
    /// Why an operation failed as a whole.
    OperationErrorCode,
    /// An internal error; the cause is in the log.
    Internal = "internal",
    /// The body of an import isn't a ZIP archive, or is truncated.
    NotAnArchive = "not_an_archive",
    /// It is part of a split archive.
    SplitArchive = "split_archive",
    /// The archive is inconsistent.
    BrokenArchive = "broken_archive",
    /// Its entries overlap.
    OverlappingEntries = "overlapping_entries",
    /// It has more entries than an import may have.
    TooManyEntries = "too_many_entries",
    /// It unpacks to more bytes than an import may have.
    TooLarge = "too_large",
    /// Its compression ratio is too high.
    RatioExceeded = "ratio_exceeded",
    /// The archive of an export doesn't fit into its owner's result allowance.
    QuotaExceeded = "quota_exceeded",
}

impl OperationErrorCode {
    /// A sentence for the owner of the operation.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::Internal => "The operation failed; items that were not started were skipped.",
            Self::NotAnArchive => "It is not a ZIP archive, or it is cut short.",
            Self::SplitArchive => "It is part of a split archive.",
            Self::BrokenArchive => "The directory of the archive contradicts its content.",
            Self::OverlappingEntries => "Entries of the archive overlap.",
            Self::TooManyEntries => "The archive has more entries than an import may have.",
            Self::TooLarge => "The archive unpacks to more bytes than an import may have.",
            Self::QuotaExceeded => {
                "The archive doesn't fit into the result allowance; delete earlier results, or export less."
            }
            Self::RatioExceeded => "The compression ratio of the archive is too high.",
        }
    }
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationEnd {
    /// See [`OperationStatus::Completed`].
    Completed,
    /// See [`OperationStatus::Cancelled`].
    Cancelled,
    /// See [`OperationStatus::Error`].
    Failed(OperationFailure),
}

/// The state of an operation, with its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationState {
    /// See [`OperationStatus::Pending`].
    Pending,
    /// See [`OperationStatus::Running`].
    Running {
        /// When it started.
        started_at: Timestamp,
    },
    /// It has ended.
    Ended {
        /// How it ended.
        end: OperationEnd,
        /// When it started, if it did.
        started_at: Timestamp,
        /// When it ended.
        finished_at: Timestamp,
    },
}

impl OperationState {
    /// The status of this state.
    #[must_use]
    pub const fn status(&self) -> OperationStatus {
        match self {
            Self::Pending => OperationStatus::Pending,
            Self::Running { .. } => OperationStatus::Running,
            Self::Ended { end, .. } => match end {
                OperationEnd::Completed => OperationStatus::Completed,
                OperationEnd::Cancelled => OperationStatus::Cancelled,
                OperationEnd::Failed(_) => OperationStatus::Error,
            },
        }
    }

    /// Returns whether it has ended.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        matches!(self, Self::Ended { .. })
    }

    /// Returns when it started, if it did.
    #[must_use]
    pub const fn started_at(&self) -> Option<Timestamp> {
        match self {
            Self::Pending => None,
            Self::Running { started_at } | Self::Ended { started_at, .. } => Some(*started_at),
        }
    }

    /// Returns when it ended, if it did.
    #[must_use]
    pub const fn finished_at(&self) -> Option<Timestamp> {
        match self {
            Self::Pending | Self::Running { .. } => None,
            Self::Ended { finished_at, .. } => Some(*finished_at),
        }
    }

    /// Returns why it failed, if it did.
    #[must_use]
    pub const fn failure(&self) -> Option<&OperationFailure> {
        match self {
            Self::Ended {
                end: OperationEnd::Failed(failure),
                ..
            } => Some(failure),
            _ => None,
        }
    }
}

/// Whether an operation changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunMode {
    /// It does.
    Real,
    /// It doesn't; it only reports the result of each item.
    Dry,
}

/// The number of items by result; the others are pending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All items.
    pub total: u32,
    /// See [`ItemResult::Succeeded`].
    pub succeeded: u32,
    /// See [`ItemResult::Failed`].
    pub failed: u32,
    /// See [`ItemResult::Skipped`].
    pub skipped: u32,
}

/// A bulk operation, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// Its owner, whose documents it changes.
    pub owner: UserId,
    /// Its action.
    pub action: Action,
    /// Its state.
    pub state: OperationState,
    /// Whether it changes anything.
    pub mode: RunMode,
    /// The number of items by result.
    pub tally: Tally,
    /// When it was accepted.
    pub created_at: Timestamp,
}

/// An operation that has ended already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operation is finished")]
pub struct Finished;

/// An operation that can't be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operation can't be undone")]
pub struct NotUndoable;

impl Operation {
    /// The maximum number of items of one operation.
    pub const MAX_ITEMS: usize = 100_000;

    /// Checks whether it can be cancelled.
    pub const fn may_be_cancelled(&self) -> Result<(), Finished> {
        if self.state.has_ended() {
            Err(Finished)
        } else {
            Ok(())
        }
    }

    /// Checks whether it can be undone, apart from whether it has been. A cancelled or failed one
    /// is undone as far as it got.
    pub const fn may_be_undone(&self) -> Result<(), NotUndoable> {
        match (self.action, self.mode, self.state.has_ended()) {
            (Action::Archive | Action::Restore | Action::Update, RunMode::Real, true) => Ok(()),
            _ => Err(NotUndoable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(action: Action) -> Operation {
        let at = Timestamp::from_micros(0);
        Operation {
            id: OperationId::new(at),
            owner: UserId::new(at),
            action,
            state: OperationState::Ended {
                end: OperationEnd::Completed,
                started_at: at,
                finished_at: at,
            },
            mode: RunMode::Real,
            tally: Tally::default(),
            created_at: at,
        }
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for action in Action::ALL {
            assert_eq!(action.as_str().parse(), Ok(*action));
        }
        for status in OperationStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(*status));
        }
        for result in ItemResult::ALL {
            assert_eq!(result.as_str().parse(), Ok(*result));
        }
        let error = "gone".parse::<ItemResult>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "must be one of pending, succeeded, failed, skipped"
        );
    }

    #[test]
    fn only_what_leaves_no_bytes_behind_can_be_undone_and_only_once_it_has_ended() {
        let undoable: Vec<_> = Action::ALL
            .iter()
            .filter(|action| operation(**action).may_be_undone().is_ok())
            .collect();
        assert_eq!(
            undoable,
            [&Action::Archive, &Action::Restore, &Action::Update]
        );
        let running = Operation {
            state: OperationState::Pending,
            ..operation(Action::Archive)
        };
        assert_eq!(running.may_be_undone(), Err(NotUndoable));
        assert_eq!(running.may_be_cancelled(), Ok(()));
        let dry = Operation {
            mode: RunMode::Dry,
            ..operation(Action::Archive)
        };
        assert_eq!(dry.may_be_undone(), Err(NotUndoable));
        assert_eq!(dry.may_be_cancelled(), Err(Finished));
    }
}
