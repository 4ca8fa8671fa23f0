//! The states of a job.

use std::fmt;
use std::str::FromStr;

/// The state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobState {
    /// It waits to be claimed, perhaps until a later time.
    Ready,
    /// A worker holds it.
    Running,
    /// It has succeeded.
    Done,
    /// It failed on every attempt; an operator may retry it.
    Dead,
}

/// A text that is not the state of a job.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a state of a job: ready, running, done or dead")]
pub struct UnknownJobState(String);

impl JobState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Ready, Self::Running, Self::Done, Self::Dead];

    /// Returns the name of the state, as stored in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for JobState {
    type Err = UnknownJobState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownJobState(text.to_owned()))
    }
}
