//! Histories of documents: what many clients asked at once and were told, and whether one
//! document that takes one call after the other could have told them that.

mod model;
mod record;
mod search;

pub use model::{Answer, Call, Document, Kept, Seen};
pub use record::{Entry, Recorder};
pub use search::{Impossible, linearise};
