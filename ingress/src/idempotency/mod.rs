//! Idempotency keys: a request that is sent again is answered again, and acted on once.
//!
//! A layer around the API reads JSON bodies and decides before the handler begins. Uploads are
//! known only when their bytes are staged, so their handlers ask through [`KeyedUpload`].

mod answer;
mod document;
mod identity;
mod layer;
mod upload;

pub use document::document_keys;
pub use layer::Keyed;
pub use upload::KeyedUpload;
