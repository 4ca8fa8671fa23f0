//! One queue after the other on the same settings of PostgreSQL, and the table of their rates.
//!
//! Every job does nothing. Jobs are enqueued in batches of the same size by one connection, each
//! batch one call and one transaction; then one process works on all of them. No more jobs than the
//! same number are claimed at a time and by one claimer. Besides, the peers have their documented
//! fast settings:
//!
//! - graphile-worker (<https://worker.graphile.org/docs/performance>): `addJobs`, a `localQueue` of
//!   that size, `concurrentJobs: 16`, `completeJobBatchDelay: 0`, `failJobBatchDelay: 0`.
//! - pg-boss: `insert`, `batchSize` with `burstWhenBatchFull`, `localConcurrency` for the claimers;
//!   each fetched batch is completed by one statement.
//! - `PgQueuer`: `enqueue` with lists, asyncpg on uvloop, `batch_size`, mode `drain`.
//!
//! Dossier's ledger is used as its worker uses it: each claimer has that many slots, claims when half
//! of them are free, within the share that one owner may have, and the outcomes that arrive meanwhile
//! are committed by one transaction. The jobs belong to 100 owners. Every queue syncs its commits to
//! the disk, except for claims of Dossier: a claim that is lost is made again.

use std::time::Instant;

use ::tests::servers::Postgres;

use super::options::Options;
use super::program::Program;
use crate::cost::{Cost, Groups};

/// Measures the queues of these names, one after the other.
pub async fn run(options: &Options) {
    println!(
        "| {} jobs in batches of {} | claimed at a time | enqueued/s | processed/s | CPU ms a job, enqueued | processed | flushes to enqueue | to process |",
        options.jobs, options.batch
    );
    println!("| --- | --: | --: | --: | --: | --: | --: | --: |");
    for name in &options.names {
        for claim in &options.claims {
            measure(name, (options, *claim)).await;
        }
    }
}

async fn measure(name: &str, (options, claim): (&Options, usize)) {
    let postgres = Postgres::durable().await;
    let url = postgres.create_database().await;
    let Some(mut program) = Program::start(name, &url, (options, claim)).await else {
        println!("| {name} | not installed: see `benches/install` | | | | | | |");
        return;
    };
    let groups = [("PostgreSQL", postgres.pid()), ("client", program.pid)];
    let jobs = options.jobs as f64;
    let (start, begin) = (Cost::of(&groups), Instant::now());
    program.enqueue().await;
    let enqueuing = begin.elapsed().as_secs_f64();
    let (middle, begin) = (Cost::of(&groups), Instant::now());
    program.work().await;
    let processing = begin.elapsed().as_secs_f64();
    let end = Cost::of(&groups);
    println!(
        "| {} | {claim} | {:.0} | {:.0} | {} |",
        program.name,
        jobs / enqueuing,
        jobs / processing,
        costs(&groups, [&start, &middle, &end], jobs),
    );
}

/// The cells of the costs of both phases.
fn costs(groups: &Groups, [start, middle, end]: [&Cost; 3], jobs: f64) -> String {
    let (enqueued, processed) = (middle.since(start, jobs), end.since(middle, jobs));
    format!(
        "{} | {} | {:.0} | {:.0}",
        enqueued.text(groups, 3),
        processed.text(groups, 3),
        enqueued.flushes * jobs,
        processed.flushes * jobs,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_for_each_job_and_flushes_for_all() {
        let cost = |server, client, flushes| Cost {
            processor: vec![server, client],
            flushes,
        };
        let moments = [
            cost(0.0, 0.0, 5.0),
            cost(1.0, 2.0, 9.0),
            cost(3.0, 3.0, 10.0),
        ];
        let groups = [("PostgreSQL", 1), ("client", 2)];
        let cells = costs(&groups, moments.each_ref(), 10.0);
        let expected = "0.300 (PostgreSQL 0.100, client 0.200) | 0.300 (PostgreSQL 0.200, client 0.100) | 4 | 1";
        assert_eq!(cells, expected);
    }
}
