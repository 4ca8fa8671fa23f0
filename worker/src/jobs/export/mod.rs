//! Exports: reading ahead, compressing, and writing the archive.

mod budget;
mod entries;
mod file_limit;
mod pack;
mod pieces;
mod read_ahead;
mod run;
mod spool;

pub use run::export;
