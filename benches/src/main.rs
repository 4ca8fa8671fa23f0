//! Load on the real binary in both modes, told as rates and as ratios to the disk beneath.
//!
//! `cargo build --release --workspace && target/release/benches uploads`

#![expect(
    clippy::cast_precision_loss,
    reason = "rates are told to three digits, and each run is one future"
)]
#![recursion_limit = "256"]

mod audit;
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
    /// Many small uploads at once: accepted per second, and active per second
    Uploads {
        /// How many
        #[arg(long, default_value_t = 2_000)]
        count: usize,
        /// Their size in bytes
        #[arg(long, default_value_t = 16 << 10)]
        size: usize,
        /// How many are under way at once
        #[arg(long, default_value_t = 16)]
        concurrency: usize,
    },
    /// One large document up and down, beside `dd` and `cat` on the same disk
    Large {
        /// Its size in MiB
        #[arg(long, default_value_t = 1 << 10)]
        mebibytes: usize,
    },
    /// Small uploads beside hundreds of slow clients: what they cost, and how soon they are closed
    Hostile {
        /// Connections with half a header
        #[arg(long, default_value_t = 500)]
        half_open: usize,
        /// Uploads at ten bytes a second
        #[arg(long, default_value_t = 200)]
        trickling: usize,
        /// Honest uploads, without and with the slow ones
        #[arg(long, default_value_t = 400)]
        count: usize,
    },
    /// Operations on many documents, beside single calls; an export and an import
    Operations {
        /// How many documents one operation archives and deletes
        #[arg(long, default_value_t = 100_000)]
        documents: usize,
        /// How many single calls are made beside it
        #[arg(long, default_value_t = 1_000)]
        calls: usize,
        /// How many documents are exported and imported
        #[arg(long, default_value_t = 10_000)]
        files: usize,
        /// Their size in bytes
        #[arg(long, default_value_t = 16 << 10)]
        size: usize,
    },
    /// The audit of an embedded service: its time, and its memory
    Audit {
        /// How many objects there are, step by step
        #[arg(long, value_delimiter = ',', default_value = "10000,100000,1000000")]
        counts: Vec<u32>,
    },
    /// Pages of long lists, on each database by itself
    List {
        /// How many documents there are, step by step
        #[arg(
            long,
            value_delimiter = ',',
            default_value = "1000,10000,100000,1000000"
        )]
        lengths: Vec<u32>,
        /// Shows for the longest how each page is found
        #[arg(long)]
        plans: bool,
    },
    /// What the indexes of words cost the intake, on each database by itself
    Intake {
        /// How many documents are taken in
        #[arg(long, default_value_t = 100_000)]
        count: u32,
    },
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    if let Run::Audit { counts } = &arguments.run {
        audit::run(counts).await;
        return;
    }
    if let Run::List { lengths, plans } = &arguments.run {
        list::run(lengths, *plans).await;
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
            Run::List { .. } | Run::Intake { .. } | Run::Audit { .. } => {}
        }
    }
}
