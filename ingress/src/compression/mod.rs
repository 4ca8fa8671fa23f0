//! Compression of JSON answers; never of content, whose bytes and ranges are what they are.

mod accept;
mod encoding;
mod layer;

pub use layer::Compressed;
