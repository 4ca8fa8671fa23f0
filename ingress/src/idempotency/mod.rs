//! Idempotency keys: a request that is sent again is answered again, and acted on once.
//!
//! A layer around the API reads JSON bodies and decides before the handler begins. Uploads are
//! known only when their bytes are staged, so their handlers ask through [`KeyedUpload`]. Either
//! way a handler makes its change through [`IdempotentRequest`], which keeps the answer with the change.

mod answer;
mod identity;
mod layer;
mod request;
mod sealed;
mod upload;

pub use identity::FIELD;
pub use layer::Keyed;
pub use request::IdempotentRequest;
pub use upload::KeyedUpload;
