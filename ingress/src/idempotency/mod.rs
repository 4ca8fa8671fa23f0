//! Idempotency keys: a repeated request gets the same answer, and takes effect once.
//!
//! A layer around the handlers reads JSON bodies and decides before the handler begins. Uploads are
//! known only when their bytes are staged, so their handlers ask through [`KeyedUpload`]: they hold the key
//! before they read the body, and return the earlier answer as a [`Replayable`]. Either way a handler makes its change through
//! [`IdempotentRequest`], which keeps the answer with the change.

mod answer;
mod claims;
mod hold;
mod identity;
mod layer;
mod masked;
mod replay;
mod request;
mod sealed;
mod ticket_keys;
mod upload;

pub use identity::FIELD;
pub use layer::Idempotency;
pub use replay::{Replay, Replayable};
pub use request::IdempotentRequest;
pub use upload::{Begun, KeyedUpload, Turn};
