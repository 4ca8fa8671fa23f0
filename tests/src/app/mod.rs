//! The service under test: started in a mode, used by clients, and checked against its invariants.

mod breakable;
mod builder;
mod client;
mod dsr;
mod invariants;
mod maintenance;
mod mode;
mod test_app;

pub use self::client::{Answer, Client, Upload, result_path};
pub use breakable::Breakable;
pub use builder::TestAppBuilder;
pub use dsr::{Dsr, Run};
pub use maintenance::Ended;
pub use mode::{Backend, Carrier, Mode};
pub use test_app::TestApp;
