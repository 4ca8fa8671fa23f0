//! What operators and their orchestrators ask of a process: whether it is ready, on a port that
//! answers while the API is at its limits.

mod health;
mod port;

pub use health::Health;
pub use port::OperationsPort;
