//! Request bodies in memory: bounded reading, decoding, and member access.

mod failed_read;
mod json;
mod members;
mod read;

pub use failed_read::read_error;
pub use json::{JsonBody, Many, Media, MergePatch, Optional};
#[cfg(test)]
pub use members::read_object;
pub use members::{Change, FromMembers, Members};
pub use read::{LARGEST, ReadBody, extent, parsed};
