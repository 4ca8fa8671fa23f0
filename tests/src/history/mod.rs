//! Histories of documents: the concurrent calls of many clients and their results, checked for
//! linearizability.

mod model;
mod record;
mod search;

pub use model::{Answer, Call, Document, Kept, Seen};
pub use record::{Entry, Recorder};
pub use search::{Impossible, linearise};
