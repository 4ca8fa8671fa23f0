//! Which parts of the infrastructure are away, and what waits until they are back.

mod breaker;
mod probe;
mod suspect;

pub use breaker::Circuits;
pub use suspect::{Suspect, suspect_of};
