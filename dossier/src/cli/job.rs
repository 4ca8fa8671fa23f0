//! The words of `dossier job`.

use clap::{Args, Subcommand};
use domain::JobId;
use queue::{JobKind, JobState, Queue};

/// Managing jobs.
#[derive(Subcommand, Clone, Debug)]
pub enum Job {
    /// List jobs, newest first, one per line
    #[command(visible_alias = "list")]
    Ls {
        /// States to list, a comma list: ready, running, done, dead
        #[arg(long, value_delimiter = ',', default_value = "dead")]
        state: Vec<JobState>,
        #[command(flatten)]
        filter: JobFilter,
    },
    /// Cancel waiting jobs: whoever claims them next gives them up
    Cancel {
        /// The queue: ingest, bulk, maintenance or deliver
        #[arg(long)]
        queue: Queue,
        /// Only jobs of this kind, as listed
        #[arg(long)]
        kind: Option<JobKind>,
    },
    /// Retry dead jobs with a fresh attempt count
    Retry {
        /// The ids of the jobs
        #[arg(required_unless_present = "all")]
        ids: Vec<JobId>,
        /// Retry all dead jobs, or all that match --queue and --kind
        #[arg(long, conflicts_with = "ids")]
        all: bool,
        #[command(flatten)]
        filter: JobFilter,
    },
}

/// Which jobs to select.
#[derive(Args, Clone, Copy, Debug)]
pub struct JobFilter {
    /// Only jobs in this queue: ingest, bulk, maintenance or deliver
    #[arg(long)]
    pub queue: Option<Queue>,
    /// Only jobs of this kind, as listed
    #[arg(long)]
    pub kind: Option<JobKind>,
}
