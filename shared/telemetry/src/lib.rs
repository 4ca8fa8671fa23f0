//! Prometheus metrics and spans. No label ever holds an id or a URL.

mod capacity;
mod deliveries;
mod disk;
mod history;
mod labels;
mod ledger;
mod meters;
mod overdue;
mod register;
mod spans;
mod storage;

pub use history::Minute;
pub use labels::{Attempt, Circuit, Delivered, Held, Hint, Refused, Stop};
pub use meters::Meters;
pub use overdue::Overdue;
pub use spans::{follow_trace, place_in_trace};
pub use storage::Watched;
