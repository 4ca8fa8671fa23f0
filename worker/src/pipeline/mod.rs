//! The pipeline of a version: a file for each step, and the page that they stand on.

mod activate;
mod check;
mod discard;
mod identify;
mod process;
mod source;
mod store;
mod verify;

pub use process::process;
