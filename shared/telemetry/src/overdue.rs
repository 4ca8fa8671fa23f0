//! Why back-pressure refuses uploads, as a label value.

/// Which backlog refuses an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overdue {
    /// The backlog of the upload's owner.
    Owner,
    /// Every owner waits too long for their turn.
    Queue,
}

impl Overdue {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Owner, Self::Queue];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner_waits",
            Self::Queue => "queue_waits",
        }
    }
}
