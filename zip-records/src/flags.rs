//! The general purpose flags of an entry, as its records have them.

/// The flag of an encrypted entry.
pub const FLAG_ENCRYPTED: u16 = 1;
/// The flag of an entry whose sizes stand behind its bytes.
pub const FLAG_STREAMED: u16 = 1 << 3;
/// The flag of an entry that patches another one.
pub const FLAG_PATCH: u16 = 1 << 5;
/// The flag of strong encryption.
pub const FLAG_STRONG: u16 = 1 << 6;
/// The flag of a name in UTF-8.
pub const FLAG_UTF8: u16 = 1 << 11;
/// The flag of a header whose values are hidden.
pub const FLAG_MASKED: u16 = 1 << 13;
