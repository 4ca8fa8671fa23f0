//! What the service counts and times of itself, for Prometheus. No label ever holds an id or a URL.

mod labels;
mod ledger;
mod meters;
mod storage;

pub use labels::{Attempt, Hint};
pub use meters::Meters;
pub use storage::Watched;
