//! Load on the real binary in both modes, reported as rates and as ratios to the disk alone.
//!
//! `cargo build --release --workspace && target/release/benches uploads`

#![expect(
    clippy::cast_precision_loss,
    reason = "rates are told to three digits, and each run is one future"
)]
#![recursion_limit = "256"]

mod audit;
mod backlog;
mod compare;
mod disk;
mod hostile;
mod intake;
mod large;
mod list;
mod operations;
mod uploads;

use clap::{Parser, Subcommand};
use tests::app::Mode;

#[derive(Parser, Debug)]
struct Arguments {
    #[command(subcommand)]
    run: Run,
}

#[derive(Subcommand, Clone, Debug)]
enum Run {
    /// Small uploads and downloads beside other programs, as a table
    Compare {
        /// How many are uploaded
        #[arg(long, default_value_t = 4_000)]
        uploads: usize,
        /// How many downloads of them follow
        #[arg(long, default_value_t = 10_000)]
        downloads: usize,
        /// Their size in bytes
        #[arg(long, default_value_t = 16 << 10)]
        size: usize,
        /// Clients at once
        #[arg(long, default_value_t = 16)]
        clients: usize,
        /// Shows what each statement cost PostgreSQL
        #[arg(long)]
        statements: bool,
        /// Only these: nginx-dav, s3s-fs, embedded, files, files2 (workers), s3
        names: Vec<String>,
    },
    /// Many small concurrent uploads: accepted per second, and active per second
    Uploads {
        /// Their number
        #[arg(long, default_value_t = 2_000)]
        count: usize,
        /// Their size in bytes
        #[arg(long, default_value_t = 16 << 10)]
        size: usize,
        /// The number of concurrent uploads
        #[arg(long, default_value_t = 16)]
        concurrency: usize,
    },
    /// One large document up and down, compared with `dd` and `cat` on the same disk
    Large {
        /// Its size in MiB
        #[arg(long, default_value_t = 1 << 10)]
        mebibytes: usize,
    },
    /// Small uploads beside hundreds of slow clients: their slowdown, and when the clients are
    /// closed
    Hostile {
        /// The number of connections with half a header
        #[arg(long, default_value_t = 500)]
        half_open: usize,
        /// The number of uploads at ten bytes a second
        #[arg(long, default_value_t = 200)]
        trickling: usize,
        /// The number of normal uploads, with and without the slow ones
        #[arg(long, default_value_t = 400)]
        count: usize,
    },
    /// Operations on many documents, compared with single calls; an export and an import
    Operations {
        /// The number of documents that one operation archives and deletes
        #[arg(long, default_value_t = 100_000)]
        documents: usize,
        /// The number of single calls to compare with
        #[arg(long, default_value_t = 1_000)]
        calls: usize,
        /// The number of documents that are exported and imported
        #[arg(long, default_value_t = 10_000)]
        files: usize,
        /// Their size in bytes
        #[arg(long, default_value_t = 16 << 10)]
        size: usize,
    },
    /// The audit of an embedded service: its duration and memory
    Audit {
        /// The numbers of objects, in ascending order
        #[arg(long, value_delimiter = ',', default_value = "10000,100000,1000000")]
        counts: Vec<u32>,
    },
    /// Pages of long lists, on each database alone
    List {
        /// The numbers of documents, in ascending order
        #[arg(
            long,
            value_delimiter = ',',
            default_value = "1000,10000,100000,1000000"
        )]
        lengths: Vec<u32>,
        /// Prints the query plans for the longest list
        #[arg(long)]
        plans: bool,
    },
    /// What intake, claim and outcome cost while many documents wait, on each database alone
    Backlog {
        /// How many documents wait
        #[arg(long, value_delimiter = ',', default_value = "0,10000,1000000")]
        waiting: Vec<u32>,
        /// How many users they belong to
        #[arg(long, value_delimiter = ',', default_value = "1,1000")]
        owners: Vec<u32>,
        /// How many groups of 16 are measured
        #[arg(long, default_value_t = 100)]
        groups: usize,
    },
    /// The cost of the word indexes for the intake, on each database alone
    Intake {
        /// The number of documents to insert
        #[arg(long, default_value_t = 100_000)]
        count: u32,
    },
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    if let Run::Compare {
        uploads,
        downloads,
        size,
        clients,
        statements,
        names,
    } = &arguments.run
    {
        let amounts = compare::Amounts {
            uploads: *uploads,
            downloads: *downloads,
            size: *size,
            clients: *clients,
        };
        compare::run(amounts, names, *statements).await;
        return;
    }
    if let Run::Audit { counts } = &arguments.run {
        audit::run(counts).await;
        return;
    }
    if let Run::List { lengths, plans } = &arguments.run {
        list::run(lengths, *plans).await;
        return;
    }
    if let Run::Backlog {
        waiting,
        owners,
        groups,
    } = &arguments.run
    {
        backlog::run(waiting, owners, *groups).await;
        return;
    }
    if let Run::Intake { count } = &arguments.run {
        intake::run(*count).await;
        return;
    }
    for mode in [Mode::Embedded, Mode::Distributed] {
        match &arguments.run {
            Run::Uploads {
                count,
                size,
                concurrency,
            } => uploads::run(mode, *count, *size, *concurrency).await,
            Run::Operations {
                documents,
                calls,
                files,
                size,
            } => {
                let amounts = operations::Amounts {
                    documents: *documents,
                    calls: *calls,
                    files: *files,
                    size: *size,
                };
                operations::run(mode, amounts).await;
            }
            Run::Large { mebibytes } => large::run(mode, *mebibytes).await,
            Run::Hostile {
                half_open,
                trickling,
                count,
            } => hostile::run(mode, *half_open, *trickling, *count).await,
            Run::Compare { .. }
            | Run::Backlog { .. }
            | Run::List { .. }
            | Run::Intake { .. }
            | Run::Audit { .. } => {}
        }
    }
}
