//! The size of the cleanup's transactions.

/// How many rows one transaction of the cleanup changes: few enough that nobody waits for it.
pub const CHUNK: u32 = 500;
