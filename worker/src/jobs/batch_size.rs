//! The batch size of the cleanup.

/// The most rows that one cleanup transaction changes: few enough not to block others.
pub const BATCH_SIZE: u32 = 500;
