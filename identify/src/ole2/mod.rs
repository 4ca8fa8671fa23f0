//! OLE2 look-inside: the streams of a compound file decide what it is.

mod directory;
mod kind;

pub(crate) use directory::MAGIC;
pub(crate) use kind::judge;
