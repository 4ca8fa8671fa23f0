//! What `queue` measures.

use clap::builder::PossibleValuesParser;

/// The names of all queues, in the order of the table.
const NAMES: [&str; 4] = ["dossier", "graphile-worker", "pg-boss", "pgqueuer"];

/// How much is done, and by how many.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// The number of jobs
    #[arg(long, default_value_t = 20_000)]
    pub(super) jobs: usize,
    /// Jobs that are enqueued by one call
    #[arg(long, default_value_t = 500)]
    pub(super) batch: usize,
    /// The most jobs that a claimer holds, each measured alone
    #[arg(long, value_delimiter = ',', default_value = "16,500")]
    pub(super) claims: Vec<usize>,
    /// Claimers of Dossier and of pg-boss, in one process
    #[arg(long, default_value_t = 4)]
    pub(super) claimers: usize,
    /// Only these
    #[arg(default_values = NAMES, value_parser = PossibleValuesParser::new(NAMES))]
    pub(super) names: Vec<String>,
}
