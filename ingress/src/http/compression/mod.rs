//! Compression of JSON answers and pages; never of content, whose bytes and ranges are what they are.

mod accept;
mod encoding;
mod layer;
mod prepared;

pub use layer::Compressed;
pub use prepared::PreparedPage;
