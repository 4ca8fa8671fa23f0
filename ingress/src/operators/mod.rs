//! Health and metrics for operators and orchestrators, on a port that answers while the API is
//! overloaded, and the last hour that a process remembers.

mod health;
mod minutes;
mod port;

pub use health::{Health, Report};
pub use minutes::end_minutes;
pub use port::OperationsPort;
