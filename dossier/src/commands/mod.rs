//! The subcommands.

mod account;
mod audit;
mod job;
mod migrate;
mod operator_log;
mod roles;
mod run;
mod storage;

pub use run::run;
