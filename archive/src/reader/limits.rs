//! Limits on what an archive may hold, set by the caller.

/// What an archive may hold. Sizes are those that it says; an entry that is larger
/// than it says is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most entries, folders included.
    pub entries: u64,
    /// The most bytes when it is unpacked.
    pub bytes: u64,
    /// How many times as large as it is packed.
    pub ratio: u64,
}
