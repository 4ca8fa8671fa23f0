//! The lifecycle of a document: its states, the data of each, and the transitions.

use std::fmt;
use std::str::FromStr;

use url::Url;

use super::{Failure, MediaType, Timestamp};

/// The status of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Accepted; no version has passed the pipeline yet.
    Pending,
    /// Has a current version.
    Active,
    /// Archived: readers get nothing; the owner can restore it.
    Archived,
    /// No version passed the pipeline.
    Error,
}

/// The transitions between statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transition {
    /// The first version passed the pipeline.
    Activate,
    /// The first version failed.
    Fail,
    /// The owner retries, with the same bytes or new ones.
    Retry,
    /// The owner archives it.
    Archive,
    /// The owner restores it.
    Restore,
}

/// A transition that the document's status doesn't allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a document that is {from} can't {verb}")]
pub struct IllegalTransition {
    /// The status of the document.
    pub from: Status,
    /// The requested transition.
    pub verb: Transition,
}

/// A text that is not a status.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a status")]
pub struct UnknownStatus(String);

impl UnknownStatus {
    pub(super) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Active, Self::Archived, Self::Error];

    /// The status as in the API and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Archived => "archived",
            Self::Error => "error",
        }
    }

    /// Returns the status after `verb`. This is the only definition of transitions.
    pub const fn after(self, verb: Transition) -> Result<Self, IllegalTransition> {
        match (self, verb) {
            (Self::Pending, Transition::Activate) | (Self::Archived, Transition::Restore) => {
                Ok(Self::Active)
            }
            (Self::Pending, Transition::Fail) => Ok(Self::Error),
            (Self::Error, Transition::Retry) => Ok(Self::Pending),
            (Self::Active, Transition::Archive) => Ok(Self::Archived),
            (from, verb) => Err(IllegalTransition { from, verb }),
        }
    }
}

/// The effect of a verb on one document of a bulk operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransitionOutcome {
    /// A transition to this status.
    Changes(Status),
    /// None: the document is already in that status.
    AlreadyThere,
    /// The status doesn't allow it.
    Refused(IllegalTransition),
}

impl Status {
    /// Returns the effect of `verb` on one of many documents: it is no error if one already has the
    /// target status.
    #[must_use]
    pub fn judge(self, verb: Transition) -> TransitionOutcome {
        match self.after(verb) {
            Ok(status) => TransitionOutcome::Changes(status),
            Err(_) if Self::ALL.iter().any(|from| from.after(verb) == Ok(self)) => {
                TransitionOutcome::AlreadyThere
            }
            Err(refused) => TransitionOutcome::Refused(refused),
        }
    }
}

impl Transition {
    /// Every verb.
    pub const ALL: [Self; 5] = [
        Self::Activate,
        Self::Fail,
        Self::Retry,
        Self::Archive,
        Self::Restore,
    ];
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| UnknownStatus::of(text))
    }
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Activate => "become active",
            Self::Fail => "fail",
            Self::Retry => "be retried",
            Self::Archive => "be archived",
            Self::Restore => "be restored",
        })
    }
}

/// The current version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    /// Its number.
    pub version: u32,
    /// The detected media type.
    pub media_type: MediaType,
    /// Whether its name or declared type contradicts it.
    pub type_mismatch: bool,
    /// The URL of its bytes.
    pub location: Url,
}

/// A status with its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// See [`Status::Pending`].
    Pending,
    /// See [`Status::Active`].
    Active(Current),
    /// See [`Status::Archived`].
    Archived {
        /// The version that is current again after a restore.
        current: Current,
        /// When it was archived.
        since: Timestamp,
    },
    /// See [`Status::Error`].
    Error(Failure),
}

impl Lifecycle {
    /// The status of this state.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self {
            Self::Pending => Status::Pending,
            Self::Active(_) => Status::Active,
            Self::Archived { .. } => Status::Archived,
            Self::Error(_) => Status::Error,
        }
    }

    /// Returns the current version, also of an archived document.
    #[must_use]
    pub const fn current(&self) -> Option<&Current> {
        match self {
            Self::Active(current) | Self::Archived { current, .. } => Some(current),
            Self::Pending | Self::Error(_) => None,
        }
    }

    /// Returns why it failed, if it did.
    #[must_use]
    pub const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Error(failure) => Some(failure),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn one_of_many_may_be_there_already() {
        use TransitionOutcome::{AlreadyThere, Changes, Refused};

        let archive = |status: Status| status.judge(Transition::Archive);
        assert_eq!(archive(Status::Active), Changes(Status::Archived));
        assert_eq!(archive(Status::Archived), AlreadyThere);
        assert!(matches!(archive(Status::Pending), Refused(_)));
        assert_eq!(Status::Active.judge(Transition::Restore), AlreadyThere);
        assert_eq!(Status::Pending.judge(Transition::Retry), AlreadyThere);
    }

    #[test]
    fn the_whole_matrix() {
        let mut matrix = String::new();
        for from in Status::ALL {
            for verb in Transition::ALL {
                let to = from
                    .after(verb)
                    .map_or_else(|_| "-".to_owned(), |to| to.to_string());
                writeln!(matrix, "{from:>8} + {verb:?} = {to}").unwrap();
            }
        }
        insta::assert_snapshot!(matrix);
    }
}
