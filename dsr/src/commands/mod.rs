//! The commands, each in a room of its own.

mod bulk;
mod edit;
mod export;
mod import;
mod list;
mod login;
mod manual;
mod operation;
mod put;
mod put_file;
mod receipt;
mod receive;
mod run;
mod show;
mod ticket;
mod usage;
mod versions;
mod watch;
mod webhook;

pub use run::run;
