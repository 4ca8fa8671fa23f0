//! The words of `dossier queue`.

use clap::Subcommand;
use queue::Queue;

/// Pausing and resuming queues.
#[derive(Subcommand, Clone, Copy, Debug)]
pub enum QueueCommand {
    /// List queues with their waiting, running and dead jobs, one per line
    #[command(visible_alias = "list")]
    Ls,
    /// Pause a queue: workers claim no more jobs of it; those that run end, new ones wait
    Pause {
        /// The queue: ingest, bulk, maintenance or deliver
        queue: Queue,
    },
    /// Resume a paused queue
    Resume {
        /// The queue: ingest, bulk, maintenance or deliver
        queue: Queue,
    },
}
