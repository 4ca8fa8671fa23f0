//! The words of commands for admins on queues, jobs, storage and the log.

use clap::{Args, Subcommand};
use client::{Timestamp, Uuid};

use super::select::time;
use super::size;

/// Queues.
#[derive(Subcommand, Debug)]
pub enum QueueCommand {
    /// List queues with what waits, runs and is dead
    #[command(visible_alias = "list")]
    Ls,
    /// Pause a queue: workers claim no more jobs of it
    Pause {
        /// ingest, bulk, maintenance or deliver
        queue: String,
    },
    /// Resume a queue
    Resume {
        /// ingest, bulk, maintenance or deliver
        queue: String,
    },
}

/// Jobs.
#[derive(Subcommand, Debug)]
pub enum JobCommand {
    /// List jobs, the newest first
    #[command(visible_alias = "list")]
    Ls {
        /// ready, running, done or dead; several separated by commas
        #[arg(long)]
        state: Option<String>,
        #[command(flatten)]
        which: Jobs,
        /// The most that are listed
        #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 50)]
        limit: usize,
    },
    /// Retry dead jobs
    Retry {
        /// The ids of the jobs
        #[arg(
            required_unless_present_any = ["all", "queue", "kind"],
            conflicts_with_all = ["all", "queue", "kind"]
        )]
        ids: Vec<Uuid>,
        /// All that are dead, or all that match
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        which: Jobs,
    },
    /// Give up the waiting jobs of a queue: documents fail, and may be retried; operations end in error
    Cancel {
        /// ingest, bulk, maintenance or deliver
        #[arg(long)]
        queue: String,
        /// Only jobs of this kind, such as `process_version`
        #[arg(long)]
        kind: Option<String>,
    },
}

/// Which jobs.
#[derive(Args, Debug)]
pub struct Jobs {
    /// Those of this queue: ingest, bulk, maintenance or deliver
    #[arg(long)]
    pub queue: Option<String>,
    /// Those of this kind, such as `process_version`
    #[arg(long)]
    pub kind: Option<String>,
}

/// Storage places and moves between them.
#[derive(Subcommand, Debug)]
pub enum StorageCommand {
    /// List the places, with what the service has there
    #[command(visible_alias = "list")]
    Ls,
    /// Move all objects of a place to another, while the service goes on
    Move {
        /// The place to move from, as `dsr storage ls` names it
        #[arg(long, value_name = "PLACE")]
        from: String,
        /// The place to move to
        #[arg(long, value_name = "PLACE")]
        to: String,
        /// The most bytes a second, such as 50MiB
        #[arg(long, value_name = "SIZE", value_parser = size)]
        rate: Option<u64>,
        /// Wait until it has ended
        #[arg(long, short)]
        wait: bool,
    },
    /// List moves, the newest first
    Moves,
    /// Show a move
    Show {
        /// The move
        id: Uuid,
    },
    /// Wait until a move has ended
    Wait {
        /// The move
        id: Uuid,
    },
    /// Cancel a move: what was moved stays where it is
    Cancel {
        /// The move
        id: Uuid,
    },
}

/// The security log.
#[derive(Args, Debug)]
pub struct AuditLog {
    /// Only this kind, such as key.created
    #[arg(long)]
    pub kind: Option<String>,
    /// What this user did, by id or name; `operator` for commands of the program
    #[arg(long)]
    pub actor: Option<String>,
    /// What was done to this user, document or job, by id
    #[arg(long)]
    pub subject: Option<String>,
    /// After this, such as 2026-01-31 or 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub after: Option<Timestamp>,
    /// Before this
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub before: Option<Timestamp>,
    /// The most that are listed
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 50)]
    pub limit: usize,
}
