//! Measures the real binary: each subcommand prints rates, costs and ratios to other programs or to
//! the disk alone.
//!
//! `cargo build --release --workspace && target/release/benches compare`

#![expect(
    clippy::cast_precision_loss,
    reason = "rates are told to three digits, and each run is one future"
)]
#![recursion_limit = "256"]

mod audit;
mod backlog;
mod bare_writes;
mod compare;
mod cost;
mod direct;
mod disk;
mod distant;
mod event_cost;
mod hostile;
mod http;
mod idle;
mod intake;
mod large;
mod list;
mod operations;
mod pages;
mod percentile;
mod queue;
mod readers;
mod resumable;
mod subject;
mod uploads;

use clap::Parser;
use tests::app::Mode;

#[derive(Parser, Debug)]
enum Arguments {
    /// Small uploads and downloads beside other programs, as a table
    Compare(compare::Options),
    /// The queue alone beside other queues on PostgreSQL, as a table
    Queue(queue::Options),
    /// The program of Dossier's row of `queue`
    #[command(hide = true)]
    LedgerQueue,
    /// The waits of a single client, then the cost of no requests, as a table
    Idle(idle::Options),
    /// The first page of a list over HTTP, as a table
    Pages(pages::Options),
    /// One large document up and down, beside nginx and the disk alone, as a table
    Large(large::Options),
    /// One large document through the ingress and straight to the bucket: the processor time of each
    Direct(direct::Options),
    /// Uploads while each request to the storage takes long: the rate beside the number of clients
    Distant(distant::Options),
    /// Many small concurrent uploads: accepted per second, and active per second
    Uploads(uploads::Options),
    /// A large resumable upload beside one request, the memory of many that are open, and a resume
    Resumable(resumable::Options),
    /// Idle readers of feeds, as streams over HTTP/1.1 and HTTP/2: their memory and processor time
    Readers(readers::Options),
    /// What the events of a document cost, on each database alone: bytes and processor time
    EventCost(event_cost::Options),
    /// Small uploads beside hundreds of slow clients: their slowdown, and when the clients are
    /// closed
    Hostile(hostile::Options),
    /// Operations on many documents, compared with single calls; an export and an import
    Operations(operations::Options),
    /// The audit of an embedded service: its duration and memory
    Audit(audit::Options),
    /// Pages of long lists, on each database alone
    List(list::Options),
    /// What intake, claim and outcome cost while many documents wait, on each database alone
    Backlog(backlog::Options),
    /// The cost of the word indexes for the intake, on each database alone
    Intake(intake::Options),
}

#[tokio::main]
async fn main() {
    match Arguments::parse() {
        Arguments::Compare(options) => compare::run(&options).await,
        Arguments::Queue(options) => queue::run(&options).await,
        Arguments::LedgerQueue => queue::run_ledger().await,
        Arguments::Idle(options) => idle::run(&options).await,
        Arguments::Pages(options) => pages::run(&options).await,
        Arguments::Large(options) => large::run(&options).await,
        Arguments::Direct(options) => direct::run(&options).await,
        Arguments::Distant(options) => distant::run(&options).await,
        Arguments::Audit(options) => audit::run(&options.counts).await,
        Arguments::List(options) => list::run(&options).await,
        Arguments::Backlog(options) => backlog::run(&options).await,
        Arguments::Intake(options) => intake::run(options.count).await,
        Arguments::EventCost(options) => event_cost::run(&options).await,
        in_both_modes => {
            for mode in [Mode::Embedded, Mode::Distributed] {
                match &in_both_modes {
                    Arguments::Uploads(options) => uploads::run(mode, options).await,
                    Arguments::Resumable(options) => resumable::run(mode, options).await,
                    Arguments::Readers(options) => readers::run(mode, options).await,
                    Arguments::Hostile(options) => hostile::run(mode, options).await,
                    Arguments::Operations(options) => operations::run(mode, options).await,
                    _ => {}
                }
            }
        }
    }
}
