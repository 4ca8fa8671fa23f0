//! Eight clients, twenty documents, and processes that die by SIGKILL. A short form for each
//! mode; `./test --chaos [ROUNDS] [SEED]` runs long ones.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use tests::app::{Mode, TestApp};
use tests::dice::{Dice, asked};
use tests::history::linearise;
use tests::in_both_modes;
use tokio::time::sleep;

use super::clients::Clients;

const CLIENTS: usize = 8;
/// A lease short enough to see it end.
const LEASE: (&str, &str) = ("DOSSIER_LEASE", "2s");

/// How much was asked, and under what.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    documents: usize,
    answered: usize,
    cut: usize,
    kills: usize,
}

/// Lets clients work while processes are killed, and holds what they were told against the model.
async fn run(mode: Mode, seed: u64, calls: u64) -> Counts {
    let app = TestApp::builder(mode).settings(&[LEASE]).start().await;
    let mut dice = Dice::new(seed);
    let clients = Clients::new(app.user("alice").await, seed);
    let over = AtomicBool::new(false);
    let work = async {
        let each: Vec<_> = (0..CLIENTS)
            .map(|_| clients.run(dice.child(), calls))
            .collect();
        join_all(each).await;
        over.store(true, Ordering::SeqCst);
    };
    let mut striking = Dice::new(!seed);
    let ((), kills) = tokio::join!(work, kill(&app, &over, &mut striking));
    for id in clients.recorder.histories().keys() {
        clients.look(id).await;
    }
    let mut counts = Counts {
        kills,
        ..Counts::default()
    };
    for (id, history) in clients.recorder.histories() {
        let answered = history.iter().filter(|entry| entry.ended.is_some()).count();
        counts.documents += 1;
        counts.answered += answered;
        counts.cut += history.len() - answered;
        if let Err(impossible) = linearise(&history) {
            let timeline = format!("/v1/documents/{id}/timeline");
            let timeline = clients.client.get(&timeline).await;
            panic!(
                "seed {seed}, document {id}: {impossible:#?}\n{}",
                timeline.text()
            );
        }
    }
    // Who was cut off in an upload left its bytes to the cleanup.
    app.ends_whole(kills * CLIENTS).await;
    counts
}

/// Kills one process after the other, for as long as the clients work; says how many.
async fn kill(app: &TestApp, over: &AtomicBool, dice: &mut Dice) -> usize {
    let mut kills = 0;
    while !over.load(Ordering::SeqCst) {
        // The dice choose the moment of the kill, and how long nobody is there.
        sleep(Duration::from_millis(dice.between(200, 1_500))).await;
        let workers = app.workers();
        let process = match dice.below(3) {
            0 => app.ingress(),
            1 => workers[0],
            _ => workers[workers.len() - 1],
        };
        process.kill().await;
        sleep(Duration::from_millis(dice.below(200))).await;
        process.restart().await;
        kills += 1;
    }
    kills
}

#[in_both_modes]
async fn what_clients_are_told_while_processes_die_has_an_order(mode: Mode) {
    let counts = Box::pin(run(mode, 1, 60)).await;
    println!("{mode:?}: {counts:?}");
    assert!(counts.kills > 0 && counts.documents >= 20, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: run it by ./test --chaos"]
async fn every_history_of_many_rounds_has_an_order() {
    let (rounds, seed) = (asked("CHAOS_ROUNDS", 5), asked("CHAOS_SEED", 1));
    let calls = asked("HISTORY_CALLS", 300);
    println!("| mode | seed | documents | answered | unanswered | SIGKILLs | seconds |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for mode in [Mode::Embedded, Mode::Distributed] {
        for seed in seed..seed + rounds {
            let begin = Instant::now();
            let counts = Box::pin(run(mode, seed, calls)).await;
            let Counts {
                documents,
                answered,
                cut,
                kills,
            } = counts;
            let seconds = begin.elapsed().as_secs();
            println!(
                "| {mode:?} | {seed} | {documents} | {answered} | {cut} | {kills} | {seconds} |"
            );
        }
    }
}
