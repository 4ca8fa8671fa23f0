//! The values of labels: closed lists, so that clients can't add to them.

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The job succeeded.
    Done,
    /// Its subject was rejected, for instance because of its type.
    Rejected,
    /// It failed and will be retried.
    Retried,
    /// It failed and won't be retried.
    Dead,
    /// Another worker holds the job now.
    LeaseLost,
    /// It failed because of an outage; the job waits until that is over, and the attempt doesn't
    /// count.
    HandedBack,
}

impl Attempt {
    /// All outcomes.
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

/// What became of an attempt to deliver to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// The endpoint took it.
    Ok,
    /// It didn't, or wasn't reached.
    Failed,
}

impl Delivered {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ok, Self::Failed];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
        }
    }
}

/// A dependency without which jobs wait.
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

    /// Returns the label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Staging => "staging",
            Self::Store => "store",
        }
    }
}

/// The outcome of a notification of a new job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// The feed took it.
    Sent,
    /// It was lost; polling finds the job.
    Lost,
    /// A worker received it.
    Heard,
}

impl Hint {
    /// All outcomes.
    pub const ALL: [Self; 3] = [Self::Sent, Self::Lost, Self::Heard];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Lost => "lost",
            Self::Heard => "heard",
        }
    }
}

/// Which limit in flight refused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The limit of the process.
    Process,
    /// The share of its address.
    Address,
    /// The share of its user.
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

/// Why a cleanup removed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A place doesn't carry the mark of this installation.
    Mark,
    /// It would have removed too large a share of a place.
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

/// The resources that requests hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Requests in flight.
    Requests,
    /// Bytes of responses in memory.
    AnswerBytes,
    /// Bytes of JSON bodies in memory.
    BodyBytes,
    /// Connections.
    Connections,
    /// Readers of feeds who wait.
    EventReaders,
}

/// The HTTP methods with their own label.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Returns the method, or `other`, since clients may invent methods.
pub(super) fn method(method: &str) -> &'static str {
    METHODS
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}

/// Returns the class of a status: `2xx`, `3xx`, `4xx` or `5xx`.
pub(super) const fn class(status: u16) -> &'static str {
    match status {
        0..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

/// The storage operations, by label value.
pub(super) const CALLS: [&str; 14] = [
    "put",
    "open",
    "stat",
    "delete",
    "take",
    "list",
    "sweep",
    "check",
    "mark",
    "set_mark",
    "append",
    "flush",
    "finish",
    "unfinished",
];

/// Their outcomes; `broken_off` is a write whose sender went away.
pub(super) const OUTCOMES: [&str; 3] = ["ok", "error", "broken_off"];
