//! The service as a test sees it: started in a mode, spoken to by clients, held to its invariants at the end.

mod breakable;
mod builder;
mod client;
mod invariants;
mod maintenance;
mod mode;
mod test_app;

pub use breakable::Breakable;
pub use builder::TestAppBuilder;
pub use client::{Answer, Client, Upload, result_path};
pub use maintenance::Ended;
pub use mode::Mode;
pub use test_app::TestApp;
