//! Minutes of load with kills: afterwards the processes that lived hold what they held before, and so
//! do the tables and the storage. `SOAK_SECONDS` sets another time than ten minutes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use queue::JobKind;
use reqwest::{Method, StatusCode};
use tests::app::{Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::poll::{poll, wait_until};
use tests::servers::Dossier;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// The part of the measured capacity that is asked for.
const SHARE: f64 = 0.8;

/// Clients when the capacity is measured.
const LANES: usize = 8;

/// The most rounds under way: more would be another test.
const MOST: usize = 64;

/// The time between kills.
const PAUSE: Duration = Duration::from_secs(20);

/// How long it may take until everything has settled.
const PATIENCE: Duration = Duration::from_mins(5);

/// The resident memory that a process may gain: allocators keep some of what was used.
const MEMORY: u64 = 48 << 20;

/// The descriptors that it may gain: connections that are kept for the next request.
const DESCRIPTORS: usize = 16;

/// What users make. Events, finished jobs and the like are kept for a time that isn't over: see
/// `a_year_leaves_every_table_as_it_was`.
const TABLES: [&str; 9] = [
    "blobs",
    "discards",
    "documents",
    "operations",
    "quarantine",
    "upload_grants",
    "uploads",
    "users",
    "versions",
];

/// What was measured at rest.
#[derive(Debug)]
struct Held {
    memory: Vec<u64>,
    descriptors: Vec<usize>,
    files: Vec<usize>,
    rows: BTreeMap<&'static str, i64>,
}

/// The service, with processes that are never killed (the app's ingress and first worker) and others
/// that are.
struct Soak {
    app: TestApp,
    second: Dossier,
    doors: [Client; 2],
    done: AtomicUsize,
    cut: AtomicUsize,
}

impl Soak {
    async fn start() -> Self {
        let app = TestApp::builder(Mode::Distributed).settings(&[
            ("DOSSIER_LEASE", "5s"),
            ("DOSSIER_STRAY_AFTER", "60s"),
            ("DOSSIER_KEEP_QUARANTINED_FOR", "0s"),
            // In the end nearly all of what is left has no row.
            ("DOSSIER_MAX_SWEEP_SHARE", "100%"),
        ]);
        let app = Box::pin(app.start()).await;
        let second = Dossier::start("ingress", app.variables()).await;
        let alice = app.user("alice").await;
        let doors = [alice.clone(), alice.speaking_to(&second.api())];
        Self {
            app,
            second,
            doors,
            done: AtomicUsize::new(0),
            cut: AtomicUsize::new(0),
        }
    }

    /// The processes that live, in the order of what is measured.
    fn survivors(&self) -> [&Dossier; 2] {
        [self.app.ingress(), self.app.workers()[0]]
    }

    /// Uploads a document, waits for it, reads it and deletes it. A kill may cut it off.
    async fn round(&self, index: usize) {
        let door = &self.doors[index % 2];
        match self.steps(door, index).await {
            Ok(()) => self.done.fetch_add(1, Ordering::SeqCst),
            Err(_) => self.cut.fetch_add(1, Ordering::SeqCst),
        };
    }

    async fn steps(&self, door: &Client, index: usize) -> Result<(), reqwest::Error> {
        // A content in eight may be there already.
        let (seed, size) = match index % 8 {
            0 => (8, 70_000),
            rest => (index, [300, 5_000, 70_000, 400_000][rest / 2]),
        };
        let bytes = pseudo_random(seed as u64, size);
        let upload = door.request(Method::POST, "/v1/documents");
        let upload = upload
            .query(&[("name", format!("{index}.bin"))])
            .body(bytes.clone());
        let document = door.try_send(upload).await?;
        assert!(document.status.is_success(), "{}", document.text());
        let path = format!("/v1/documents/{}", document.json()["id"].as_str().unwrap());
        poll(PATIENCE, async || {
            let read = door.request(Method::GET, &format!("{path}?wait=20"));
            match door.try_send(read).await {
                Ok(answer) if answer.json()["status"] == "pending" => Err("pending".to_owned()),
                answer => Ok(answer),
            }
        })
        .await?;
        let read = door.request(Method::GET, &format!("{path}/content"));
        let content = door.try_send(read).await?;
        assert!(content.body == bytes, "{}", content.status);
        let deletion = door.try_send(door.request(Method::DELETE, &path)).await?;
        assert_eq!(deletion.status, StatusCode::NO_CONTENT);
        Ok(())
    }

    /// How many rounds a second are done by clients who wait for each.
    async fn capacity(&self, time: Duration) -> f64 {
        let begin = Instant::now();
        let lane = async |lane: usize| {
            let mut index = lane;
            while begin.elapsed() < time {
                self.round(index).await;
                index += LANES;
            }
        };
        join_all((0..LANES).map(lane)).await;
        let done = self.done.swap(0, Ordering::SeqCst);
        f64::from(u32::try_from(done).unwrap()) / begin.elapsed().as_secs_f64()
    }

    /// Begins so many rounds a second, whatever becomes of them.
    async fn load(&self, rate: f64, time: Duration) {
        let mut tick = interval(Duration::from_secs_f64(1.0 / rate));
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let begin = Instant::now();
        let mut rounds = FuturesUnordered::new();
        let mut index = 1_000;
        while begin.elapsed() < time {
            tokio::select! {
                _ = tick.tick(), if rounds.len() < MOST => {
                    rounds.push(self.round(index));
                    index += 1;
                }
                Some(()) = rounds.next(), if !rounds.is_empty() => {}
            }
        }
        rounds.count().await;
    }

    /// Kills one process after the other, and starts it again.
    async fn kills(&self, time: Duration) -> usize {
        let workers = self.app.workers();
        let victims = [workers[1], &self.second];
        let begin = Instant::now();
        let mut kills = 0;
        loop {
            // The time between kills is what is tested.
            sleep(PAUSE).await;
            if begin.elapsed() >= time {
                return kills;
            }
            let victim = victims[kills % victims.len()];
            victim.kill().await;
            victim.restart().await;
            kills += 1;
        }
    }

    /// Deletes what was cut off, cleans up, and measures what is held then.
    async fn rests(&self) -> Held {
        let alice = &self.doors[0];
        loop {
            let list = "/v1/documents?limit=200&status=pending,active,error,archived";
            let list = alice.get(list).await.expecting(200);
            let documents = list["items"].as_array().unwrap();
            if documents.is_empty() {
                break;
            }
            for document in documents {
                alice.settled(document).await;
                let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
                alice.delete(&path).await;
            }
        }
        wait_until(PATIENCE, "nothing is left", async || {
            let sweeps = [JobKind::SweepStaging, JobKind::SweepStore];
            self.app.works_off_all(&sweeps).await;
            self.app.works_off(JobKind::RemoveDiscarded).await;
            self.objects().await == 0
        })
        .await;
        self.app.ends_clean().await;
        self.held().await
    }

    async fn objects(&self) -> usize {
        let places = self.app.places().await;
        let objects = places.store().list(None).await.unwrap();
        objects.count().await
    }

    async fn held(&self) -> Held {
        let mut rows = BTreeMap::new();
        for table in TABLES {
            let count = format!("SELECT count(*) FROM {table}");
            rows.insert(table, self.app.number(&count).await);
        }
        let survivors = self.survivors();
        Held {
            memory: survivors.map(|process| process.resident_memory().0).into(),
            descriptors: survivors.map(Dossier::open_files).into(),
            files: survivors.map(Dossier::temporary_files).into(),
            rows,
        }
    }
}

/// Whether each number is at most so much above the one before.
fn is_back<N: Copy + PartialOrd + std::ops::Add<Output = N>>(
    before: &[N],
    after: &[N],
    more: N,
) -> bool {
    before
        .iter()
        .zip(after)
        .all(|(&before, &after)| after <= before + more)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes ten minutes: run it by ./test --long"]
async fn minutes_of_load_and_kills_leave_nothing_behind() {
    let seconds = std::env::var("SOAK_SECONDS").map_or(600, |seconds| seconds.parse().unwrap());
    let time = Duration::from_secs(seconds);
    let soak = Box::pin(Soak::start()).await;
    // Fills caches and pools before it is measured.
    soak.capacity(time / 20).await;
    let rate = SHARE * soak.capacity(time / 20).await;
    soak.load(rate, time / 10).await;
    let before = Box::pin(soak.rests()).await;
    soak.done.store(0, Ordering::SeqCst);
    let ((), kills) = tokio::join!(Box::pin(soak.load(rate, time)), soak.kills(time));
    let (done, cut) = (&soak.done, &soak.cut);
    let [done, cut] = [done, cut].map(|count| count.load(Ordering::SeqCst));
    Box::pin(soak.rests()).await;
    let after = poll(PATIENCE, async || {
        let after = soak.held().await;
        let is_back = is_back(&before.memory, &after.memory, MEMORY)
            && is_back(&before.descriptors, &after.descriptors, DESCRIPTORS)
            && after.files == before.files
            && after.rows == before.rows;
        if is_back {
            Ok(after)
        } else {
            Err(format!("{before:?}\n{after:?}"))
        }
    })
    .await;
    println!("{rate:.1} rounds a second: {done} done, {cut} cut off by {kills} kills");
    println!("before {before:?}\nafter  {after:?}");
    assert!(done > 0 && cut < done, "{done} {cut}");
    let audit = soak.app.command(&["audit"]).await;
    assert_eq!(audit.code, 0, "{}", audit.printed);
}
