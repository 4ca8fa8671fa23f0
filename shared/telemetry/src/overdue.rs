//! Why back-pressure turns uploads away, as a label: a closed list.

/// Whose work waits for so long that an upload was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overdue {
    /// What the owner of the upload uploaded before.
    Owner,
    /// Whoever waits, waits too long for their turn.
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
