//! The values that labels can have: closed lists, so that what clients send can't add to them.

/// How an attempt at a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The job did what it was for.
    Done,
    /// What it was about was refused for good, as a type that isn't taken.
    Rejected,
    /// It failed; another attempt follows.
    Retried,
    /// It failed, and no attempt follows.
    Dead,
    /// Somebody else holds the job by now.
    LeaseLost,
    /// It met a fault of the infrastructure; the job waits until that is over, and the attempt
    /// doesn't count.
    HandedBack,
}

impl Attempt {
    /// Every end.
    pub const ALL: [Self; 6] = [
        Self::Done,
        Self::Rejected,
        Self::Retried,
        Self::Dead,
        Self::LeaseLost,
        Self::HandedBack,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Rejected => "rejected",
            Self::Retried => "retried",
            Self::Dead => "dead",
            Self::LeaseLost => "lease_lost",
            Self::HandedBack => "handed_back",
        }
    }
}

/// A part of the infrastructure without which jobs wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// The ledger.
    Database,
    /// Where uploads are staged.
    Staging,
    /// Where documents are stored.
    Store,
}

impl Circuit {
    /// Every part.
    pub const ALL: [Self; 3] = [Self::Database, Self::Staging, Self::Store];

    /// The part as operators know it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Staging => "staging",
            Self::Store => "store",
        }
    }
}

/// What became of word of a new job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// The feed took it.
    Sent,
    /// It was lost; the job is found by a sweep.
    Lost,
}

impl Hint {
    /// Every fate.
    pub const ALL: [Self; 2] = [Self::Sent, Self::Lost];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Lost => "lost",
        }
    }
}

/// Why a request was turned away for what is in flight already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The process has all that it can take.
    Process,
    /// The address has its share.
    Address,
    /// The user has their share.
    User,
}

impl Refused {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Process, Self::Address, Self::User];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Address => "address",
            Self::User => "user",
        }
    }
}

/// Why the cleanup destroyed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A place doesn't carry the mark of this installation.
    Mark,
    /// It would have been too much of a place.
    Share,
}

impl Stop {
    /// Every cause.
    pub const ALL: [Self; 2] = [Self::Mark, Self::Share];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Mark => "mark",
            Self::Share => "share",
        }
    }
}

/// What requests hold of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Places among those in flight.
    Requests,
    /// Bytes of answers in memory.
    AnswerBytes,
    /// Bytes of JSON bodies in memory.
    BodyBytes,
    /// Connections.
    Connections,
}

/// Methods of HTTP that are told apart.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The method, or `other`: clients may make up their own.
pub(super) fn method(method: &str) -> &'static str {
    METHODS
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}

/// The class of a status: `2xx`, `3xx`, `4xx` or `5xx`.
pub(super) const fn class(status: u16) -> &'static str {
    match status {
        0..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

/// The calls to storage, by the names they have among the meters.
pub(super) const CALLS: [&str; 10] = [
    "put", "open", "stat", "delete", "take", "list", "sweep", "check", "mark", "set_mark",
];

/// How they end: `broken_off` is a write whose sender went away.
pub(super) const OUTCOMES: [&str; 3] = ["ok", "error", "broken_off"];
