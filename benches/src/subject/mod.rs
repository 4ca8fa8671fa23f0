//! What is measured, each started by its name: Dossier in its ways to run, and other programs.

mod dossier;
mod measured;
mod peers;
mod presigned;
mod requests;

pub use measured::Subject;
