//! Idempotency keys: a request that is sent again is answered again, and acted on once.
//!
//! A layer around the API reads JSON bodies and decides before the handler begins. Uploads are
//! known only when their bytes are staged, so their handlers ask through [`KeyedUpload`]. Either
//! way a handler makes its change through [`Once`], which keeps the answer with the change.

mod answer;
mod document;
mod identity;
mod layer;
mod once;
mod sealed;
mod upload;

pub use document::document_keys;
pub use layer::Keyed;
pub use once::Once;
pub use upload::KeyedUpload;
