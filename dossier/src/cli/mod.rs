//! The words of the command line.

mod job;
mod parse;
mod queue;
mod root;
mod storage;
mod user;

pub use job::{Job, JobFilter};
pub use parse::parse;
pub use queue::QueueCommand;
pub use root::{Audit, Backup, Cli, Command, Migrate};
pub use storage::{Storage, StorageMove};
pub use user::{Key, NewKey, User};
