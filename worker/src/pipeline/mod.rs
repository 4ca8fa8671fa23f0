//! The pipeline of a version: one file for each step, and the sequence in `process`.

mod activate;
mod check;
mod discard;
mod identify;
mod process;
mod receive;
mod source;
mod store;
mod verify;

pub use process::process;
