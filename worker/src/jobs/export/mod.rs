//! Exports: what is read ahead, how it is packed, and the archive that it becomes.

mod ahead;
mod budget;
mod entries;
mod pack;
mod pieces;
mod room;
mod run;
mod spool;

pub use run::export;
