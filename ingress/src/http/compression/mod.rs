//! Compression of JSON responses and pages; never of document content.

mod accept;
mod encoding;
mod layer;
mod prepared;

pub use layer::Compressed;
pub use prepared::PreparedPage;
