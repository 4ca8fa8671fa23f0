//! The service as a test sees it: started in a mode, spoken to by clients, held to its invariants at the end.

mod breakable;
mod client;
mod invariants;
mod maintenance;
mod mode;

pub use breakable::Breakable;
pub use client::{Answer, Client, Upload};
pub use maintenance::Ended;
pub use mode::{Mode, TestApp};
