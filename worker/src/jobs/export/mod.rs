//! Exports: reading ahead, compressing, and writing the archive.

mod ahead;
mod budget;
mod entries;
mod pack;
mod pieces;
mod room;
mod run;
mod spool;

pub use run::export;
