//! The list of jobs. A kind's meaning never changes; a new meaning is a new kind.

use std::fmt;
use std::str::FromStr;

use super::Queue;

/// What a job does to its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Takes a pending version through the pipeline. Subject: the version.
    ProcessVersion,
    /// Removes bytes that no row refers to any more. No subject.
    RemoveDiscarded,
}

/// A text that is not a kind of job.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a kind of job")]
pub struct UnknownJobKind(String);

impl JobKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::ProcessVersion, Self::RemoveDiscarded];

    /// The kind as operators and the database know it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProcessVersion => "process_version",
            Self::RemoveDiscarded => "remove_discarded",
        }
    }

    /// The queue it goes through.
    #[must_use]
    pub const fn queue(self) -> Queue {
        match self {
            Self::ProcessVersion => Queue::Ingest,
            Self::RemoveDiscarded => Queue::Maintenance,
        }
    }

    /// How often it is begun before it is given up, crashes included.
    #[must_use]
    pub const fn max_attempts(self) -> u32 {
        match self {
            // With the pauses between them, about thirteen minutes of a storage that is away.
            Self::ProcessVersion => 8,
            Self::RemoveDiscarded => 10,
        }
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for JobKind {
    type Err = UnknownJobKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownJobKind(text.to_owned()))
    }
}
