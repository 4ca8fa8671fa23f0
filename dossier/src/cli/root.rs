//! The command line as a whole: its commands, and those that have no words of their own file.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use domain::ByteSize;
use settings::Settings;

use super::{Job, Key, QueueCommand, Storage, User};
use crate::started::Shown;

/// The exit code of an audit that failed.
const NOT_DONE: u8 = 2;

/// A document service: stores, identifies, versions and serves files.
#[derive(Parser, Debug)]
#[command(name = "dossier", version, about, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub settings: Settings,

    #[command(subcommand)]
    pub command: Option<Command>,

    /// The settings that are not at their default, with secrets redacted.
    #[arg(skip)]
    pub shown: Shown,
}

/// The command to run; `serve` by default.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Run everything in one process: migrations, API and workers
    Serve,
    /// Run the API; any number of processes
    Ingress,
    /// Run jobs; any number of processes
    Worker,
    /// Ask a running process of this machine whether it is ready; exit code 0 if it is
    ///
    /// For health checks of containers and units. Asks at --ops-listen; without it, at the default
    /// address of the API's roles, then at that of workers. Prints the answer.
    Health {
        /// Only ask whether the process is up
        #[arg(long)]
        live: bool,
    },
    /// Migrate the database schema
    Migrate {
        #[command(subcommand)]
        direction: Option<Migrate>,
    },
    /// Manage users
    User {
        #[command(subcommand)]
        command: User,
    },
    /// Manage API keys
    Key {
        #[command(subcommand)]
        command: Key,
    },
    /// List jobs, retry dead ones, and cancel waiting ones
    Job {
        #[command(subcommand)]
        command: Job,
    },
    /// Pause and resume queues
    Queue {
        #[command(subcommand)]
        command: QueueCommand,
    },
    /// Manage the storage places
    Storage {
        #[command(subcommand)]
        command: Storage,
    },
    /// Back up a service on SQLite and local files, while it runs
    ///
    /// Copies the database, then the files, to a folder that is new or empty; the backup is complete
    /// once `dossier.sqlite` is in it. The queue `maintenance` is paused meanwhile, so that nothing
    /// which the copy of the database names is removed, and in the copy, until you resume it after a
    /// restore. PostgreSQL and object stores are backed up by their own means, see OPERATIONS.md.
    Backup(Backup),
    /// Check the database and storage for inconsistencies; exit code 0 clean, 1 findings, 2 failed
    ///
    /// Safe while the service runs. Changes nothing without --repair. With it, recounts drifted
    /// counters, enqueues pending versions that have no job, points documents to their newest
    /// active version, and quarantines stored bytes that no row refers to; the cleanup removes
    /// those later. Missing or changed bytes are only reported: restore them from a backup.
    Audit(Audit),
}

/// The options of a backup.
#[derive(Args, Clone, Debug)]
pub struct Backup {
    /// The folder to make
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// An earlier backup: files that are the same become hard links to it
    #[arg(long, value_name = "FOLDER")]
    pub previous: Option<PathBuf>,
    /// Copy the database alone; pause `maintenance` before, until the storage is copied, too
    #[arg(long)]
    pub database_only: bool,
}

/// The options of an audit.
#[derive(Args, Clone, Copy, Debug)]
pub struct Audit {
    /// Repair what can be repaired without destroying anything
    #[arg(long)]
    pub repair: bool,
    /// Read all bytes and check their digests
    #[arg(long)]
    pub deep: bool,
    /// The most bytes to read per second
    #[arg(long, default_value = "50MiB", value_name = "SIZE")]
    pub rate: ByteSize,
    /// Print each finding as a line of JSON, and a summary as the last line
    #[arg(long)]
    pub json: bool,
}

impl Cli {
    /// Returns whether the command runs a role of the service until stopped.
    pub const fn is_role(&self) -> bool {
        matches!(
            self.command,
            None | Some(Command::Serve | Command::Ingress | Command::Worker)
        )
    }

    /// Returns the exit code of a failure.
    pub fn failure(&self) -> ExitCode {
        match self.command {
            // 1 means that the audit succeeded with findings.
            Some(Command::Audit(_)) => ExitCode::from(NOT_DONE),
            _ => ExitCode::FAILURE,
        }
    }
}

/// The migration command; `up` by default.
#[derive(Subcommand, Clone, Copy, Debug)]
pub enum Migrate {
    /// Apply all pending migrations, and install the bootstrap key
    Up,
    /// Revert the newest migration; its data is lost
    Down,
    /// Show which migrations are applied
    Status,
}
