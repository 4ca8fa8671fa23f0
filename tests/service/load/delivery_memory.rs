//! Memory while as many deliveries as a worker makes wait for endpoints that hang.

use std::time::Duration;

use domain::{Clock as _, Metadata, SystemClock};
use futures::future::join_all;
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::poll::wait_until;
use tests::servers::{Receiver, Reply};

use crate::http::webhooks::owners::{Subscriber, open_to_this_machine, webhook};

/// The jobs of deliveries that a worker runs at once, by default.
const JOBS: usize = 256;
/// The deliveries that a job attempts at once, if its endpoint has answered before.
const AT_ONCE: usize = 4;
/// The deliveries that a job takes, if its endpoint has answered before.
const TAKEN: u32 = 8;
/// The webhooks of a user, at most.
const OF_USER: usize = 20;

/// What they may add to the resident memory of a worker: for each job eight bodies of 20 KiB and four
/// connections of 60 KiB with their tasks and buffers, which is 400 KiB, or 100 MiB; 15 MiB for the values
/// of the events of sixteen jobs that are at the ledger; and as much as a third more for what the allocator
/// keeps.
const ALLOWED_RISE: u64 = 160 << 20;

/// How long it may take until all of them hang at the same time.
const PATIENCE: Duration = Duration::from_mins(5);

/// Metadata of the most bytes, keys and values: as values, it takes the most memory.
fn largest_metadata(number: u32) -> Value {
    let nested = (1..Metadata::MAX_KEYS - 2).map(|_| json!({"k": number}));
    let mut items: Vec<_> = nested.collect();
    let (containers, each) = (3, 2);
    let left = Metadata::MAX_VALUES - containers - each * items.len();
    items.extend((0..left).map(|_| json!(number)));
    let mut metadata = json!({"a": items, "b": ""});
    let room = Metadata::MAX_BYTES - metadata.to_string().len();
    metadata["b"] = json!("x".repeat(room));
    metadata
}

/// An owner of as many webhooks as allowed, with as many events that are as large as allowed.
async fn owner(app: &TestApp, receiver: &Receiver, number: usize) -> Client {
    let owner = app.user(&format!("owner-{number}")).await;
    let name = format!("{}.txt", "\u{1f4c4}".repeat(251));
    let document = owner.active(&name, "a").await;
    for _ in 0..OF_USER {
        webhook(&owner, receiver, &["document.updated"]).await;
    }
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    for number in 0..TAKEN {
        let change = json!({"metadata": largest_metadata(number)});
        owner.patch_json(&path, &change).await.expecting(200);
    }
    owner
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "hundreds of endpoints that hang: run it by ./test --long"]
async fn deliveries_that_wait_hold_their_bodies_alone() {
    let app = open_to_this_machine(Mode::Distributed).start().await;
    let her = Subscriber::at(app, &["document.activated"]).await;
    // The first one warms everything up.
    her.alice.active("a.txt", "a").await;
    her.delivered(1).await;
    let (admin, workers) = (her.app.admin(), her.app.workers());
    let [worker, other] = workers[..] else {
        panic!("there are two workers");
    };
    other.terminate().await;
    let (before, _) = worker.resident_memory();
    let queue = |what: &str| format!("/v1/admin/queues/deliver/{what}");
    let paused = admin.post_json(&queue("pause"), &json!({})).await;
    paused.expect_status(200).await;
    let slow = Receiver::start();
    slow.replies(Reply::Nothing);
    let owners = (0..JOBS.div_ceil(OF_USER)).map(|number| owner(&her.app, &slow, number));
    join_all(owners).await;
    let resumed = admin.post_json(&queue("resume"), &json!({})).await;
    resumed.expect_status(200).await;
    // Their endpoints have answered before. Whatever was given up meanwhile is attempted again, until nearly
    // all hang at the same time.
    let enough = JOBS * AT_ONCE * 9 / 10;
    wait_until(PATIENCE, "all deliveries hang", async || {
        let now = SystemClock.now().as_micros();
        for sql in [
            format!("UPDATE webhooks SET failing_since = NULL, last_success_at = {now}"),
            "UPDATE webhook_deliveries SET next_attempt_at = 1, tries = 0 WHERE status = 'pending'"
                .to_owned(),
            "UPDATE webhooks SET due_at = 1 WHERE status = 'enabled'".to_owned(),
        ] {
            her.app.tampers(&sql).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        slow.hanging() >= enough
    })
    .await;
    let (_, peak) = worker.resident_memory();
    let rise = peak.saturating_sub(before);
    println!(
        "{} MiB before, {} MiB more at the peak",
        before >> 20,
        rise >> 20
    );
    assert!(
        rise < ALLOWED_RISE,
        "resident memory rose by {} MiB",
        rise >> 20
    );
}
