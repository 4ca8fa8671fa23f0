//! The batch size of the cleanup.

/// The most rows that one cleanup transaction changes: few enough not to block others.
pub const CHUNK: u32 = 500;
