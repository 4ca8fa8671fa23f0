//! The commands, each in a room of its own.

mod bulk;
mod edit;
mod export;
mod import;
mod job;
mod key;
mod list;
mod listed;
mod login;
mod manual;
mod me;
mod operation;
mod put;
mod put_file;
mod put_stdin;
mod queue;
mod receipt;
mod receive;
mod run;
mod service;
mod show;
mod storage;
mod ticket;
mod upload;
mod usage;
mod user;
mod versions;
mod watch;
mod webhook;

pub use run::run;
