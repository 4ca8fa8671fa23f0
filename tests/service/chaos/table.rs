//! The long form: every fault for many rounds, as a table. `./test --chaos [ROUNDS] [SEED]`.

use std::fmt::Write as _;
use std::time::Instant;

use tests::dice::asked;

use super::campaign::{self, Campaign};
use super::direct;
use super::faults::Fault;
use super::load::Plan;
use super::resumable;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: run it by ./test --chaos"]
async fn every_fault_for_many_rounds() {
    let (rounds, seed) = (asked("CHAOS_ROUNDS", 5), asked("CHAOS_SEED", 1));
    let campaign = Campaign {
        rounds,
        seed,
        plan: Plan {
            least: 500,
            most: 2_000,
            at_once: 16,
        },
    };
    let mut table = format!(
        "{rounds} rounds, seed {seed}\n\
         | fault | rounds | accepted | active | error | lost | duplicated | 503 | cut | seconds |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
    );
    let mut worst = (0, 0);
    let only = std::env::var("CHAOS_FAULT").unwrap_or_default();
    let faults = Fault::ALL.into_iter();
    for fault in faults.filter(|fault| fault.name().contains(&only)) {
        let begin = Instant::now();
        let counts = Box::pin(campaign::run(fault, campaign)).await;
        let line = format!(
            "| {} | {rounds} | {} | {} | {} | {} | {} | {} | {} | {} |",
            fault.name(),
            counts.accepted,
            counts.active,
            counts.error,
            counts.lost,
            counts.duplicated,
            counts.refused,
            counts.cut,
            begin.elapsed().as_secs(),
        );
        println!("{line}");
        writeln!(table, "{line}").unwrap();
        worst = (worst.0 + counts.lost, worst.1 + counts.duplicated);
    }
    for fault in Fault::ALL
        .into_iter()
        .filter(|fault| fault.name().contains(&only))
    {
        let begin = Instant::now();
        let arrivals = Box::pin(resumable::arrive(fault, 16, seed)).await;
        let line = format!(
            "| {}, resumable | 1 | 16 | {} | 0 | 0 | 0 | {} | | {} |",
            fault.name(),
            arrivals.arrived,
            arrivals.failed,
            begin.elapsed().as_secs(),
        );
        println!("{line}");
        writeln!(table, "{line}").unwrap();
    }
    for fault in Fault::ALL
        .into_iter()
        .filter(|fault| direct::suits(*fault) && fault.name().contains(&only))
    {
        let begin = Instant::now();
        let arrivals = Box::pin(direct::arrive(fault, 48, seed)).await;
        let line = format!(
            "| {}, direct | 1 | 48 | {} | 0 | 0 | 0 | {} | | {} |",
            fault.name(),
            arrivals.arrived,
            arrivals.failed,
            begin.elapsed().as_secs(),
        );
        println!("{line}");
        writeln!(table, "{line}").unwrap();
    }
    println!("\n{table}");
    assert_eq!(worst, (0, 0), "lost, duplicated");
}
