//! Health and metrics for operators and orchestrators, on a port that answers while the API is
//! overloaded.

mod health;
mod port;

pub use health::{Health, Report};
pub use port::OperationsPort;
