//! Circuit breakers: which dependencies are down, and which jobs wait for them.

mod breaker;
mod outage;
mod probe;

pub use breaker::Circuits;
pub use outage::{Outage, outage_of, url_of};
