//! Every storage call of the pipeline breaks once, by an error or by the death of its worker:
//! the end is the same, and nothing is left behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use domain::{Clock, DocumentId, Lifecycle, Timestamp};
use futures::TryStreamExt;
use queue::Feed;
use storage::{Storage, StorageRouter};
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use worker::WorkerRole;

use crate::saboteur::{Break, Plan, Saboteur, Taking};
use crate::service::{LEASE, Service, wait_for};

/// More calls than any pipeline makes: a loop that gets so far never ends.
const FAR_TOO_MANY: usize = 200;

/// How many workers may come and go until all has to be settled.
const WORKERS: usize = 90;

/// How staging and store stand to each other.
#[derive(Clone, Copy, Debug)]
enum Layout {
    /// Two folders: bytes are renamed.
    TwoFolders,
    /// Two kinds of storage: bytes are copied and verified.
    TwoKinds,
    /// One place: bytes stay where they are.
    OnePlace,
}

fn places(service: &Service, layout: Layout, plan: &Arc<Plan>) -> StorageRouter {
    let sabotaged = |inner: &Arc<dyn Storage>, taking| -> Arc<dyn Storage> {
        Arc::new(Saboteur {
            inner: Arc::clone(inner),
            plan: Arc::clone(plan),
            taking,
        })
    };
    let (staging, store) = (service.places.staging(), service.places.store());
    match layout {
        Layout::TwoFolders => service.places.with_adapters(
            sabotaged(staging, Taking::Renames),
            sabotaged(store, Taking::Renames),
        ),
        Layout::TwoKinds => service.places.with_adapters(
            sabotaged(staging, Taking::Refuses),
            sabotaged(store, Taking::Refuses),
        ),
        Layout::OnePlace => {
            let both = sabotaged(staging, Taking::Renames);
            service.places.with_adapters(Arc::clone(&both), both)
        }
    }
}

/// A clock on which each look takes two minutes: every pause is over when it is looked at next.
#[derive(Debug)]
struct HurriedClock(AtomicI64);

impl Clock for HurriedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(120_000_000, Ordering::SeqCst))
    }
}

/// A worker that can be killed: its runtime goes, and with it all that it was about to do.
fn works_until_killed(role: WorkerRole) -> Runtime {
    let runtime = Runtime::new().unwrap();
    runtime.spawn(worker::run(role, CancellationToken::new()));
    runtime
}

const CONTENTS: [(&str, &[u8]); 3] = [
    ("one.txt", b"the same bytes twice\n"),
    ("two.txt", b"the same bytes twice\n"),
    ("three.json", b"{\"other\": \"bytes\"}"),
];

async fn run(layout: Layout, plan: &Arc<Plan>, breaks: Break) {
    let service = Service::start().await;
    let mut documents = Vec::new();
    for (name, content) in CONTENTS {
        documents.push(service.accepts(name, content).await);
    }
    let mut role = service.role();
    role.places = places(&service, layout, plan);
    role.concurrency = 2;
    if breaks.hangs() {
        // The call may hang in a later worker as well, which is then asked to stop.
        role.grace = Duration::from_millis(100);
        let settled = service.feed.settled().await;
        let runtime = works_until_killed(role.clone());
        tokio::select! {
            () = plan.fired() => {}
            () = wait_for(settled, &documents) => {}
        }
        runtime.shutdown_background();
        service.clock.advance(LEASE);
        ends_active(&service, role, &documents).await;
    } else {
        role.clock = Arc::new(HurriedClock(AtomicI64::new(
            service.clock.now().as_micros(),
        )));
        // On that clock a lease is soon over, and nobody else is there to claim.
        role.lease = LEASE * 100_000;
        ends_active(&service, role, &documents).await;
    }
    let places = match layout {
        Layout::OnePlace => {
            let staging = service.places.staging();
            service
                .places
                .with_adapters(Arc::clone(staging), Arc::clone(staging))
        }
        Layout::TwoFolders | Layout::TwoKinds => service.places.clone(),
    };
    whole(&service, &places, &documents).await;
}

/// Workers come and go until all is settled and nothing is left to be removed. Between two of
/// them a lease ends: the one that was killed may have claimed until its last moment.
async fn ends_active(service: &Service, role: WorkerRole, documents: &[DocumentId]) {
    let left = "SELECT (SELECT count(*) FROM jobs WHERE state IN ('ready', 'running')) \
         + (SELECT count(*) FROM discards)";
    for _ in 0..WORKERS {
        let working = Service::works(role.clone());
        let over = async {
            while service.number(left).await > 0 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        let is_over = timeout(Duration::from_millis(300), over).await.is_ok();
        working.stop().await;
        if is_over {
            return;
        }
        service.clock.advance(LEASE);
    }
    panic!("{documents:?} never came to an end");
}

async fn whole(service: &Service, places: &StorageRouter, documents: &[DocumentId]) {
    for (document, (_, content)) in documents.iter().zip(CONTENTS) {
        let found = service.document(*document).await;
        let Lifecycle::Active(current) = found.lifecycle else {
            panic!("{found:?}")
        };
        let bytes: Vec<Bytes> = places
            .open(&current.location, None)
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        assert_eq!(bytes.concat(), content);
    }
    assert_eq!(service.staged().await + service.stored().await, 2);
    for (what, sql) in [
        ("blobs", "SELECT count(*) - 2 FROM blobs"),
        ("references", "SELECT sum(refs) - 3 FROM blobs"),
        (
            "activations",
            "SELECT count(*) - 3 FROM events WHERE kind = 'activated'",
        ),
        ("reserved bytes", "SELECT sum(reserved_bytes) FROM users"),
        (
            "used bytes",
            "SELECT sum(used_bytes) - (SELECT sum(size_bytes) FROM versions) FROM users",
        ),
    ] {
        assert_eq!(service.number(sql).await, 0, "{what}");
    }
}

async fn each_call_breaks(layout: Layout) {
    for breaks in Break::ALL {
        for call in 0..FAR_TOO_MANY {
            let plan = Plan::new(call, breaks);
            println!("{layout:?}: call {call} {breaks:?}");
            Box::pin(run(layout, &plan, breaks)).await;
            if !plan.has_fired() {
                assert!(call >= 6, "the pipeline asks more of storage than that");
                break;
            }
            assert!(call + 1 < FAR_TOO_MANY);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_call_may_break_between_two_folders() {
    each_call_breaks(Layout::TwoFolders).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_call_may_break_between_two_kinds_of_storage() {
    each_call_breaks(Layout::TwoKinds).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_call_may_break_where_staging_is_the_store() {
    each_call_breaks(Layout::OnePlace).await;
}
