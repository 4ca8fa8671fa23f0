//! The subcommands.

mod account;
mod audit;
mod backup;
mod copied_folder;
mod health;
mod job;
mod migrate;
mod operator_log;
mod queue;
mod roles;
mod run;
mod storage;
mod storage_cors;
mod storage_move;

pub use run::run;
