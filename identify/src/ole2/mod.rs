//! OLE2 look-inside: the streams of a compound file decide what it is.

mod directory;
mod kind;

pub(crate) use kind::judge;

/// How a compound file begins.
pub(crate) const MAGIC: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
