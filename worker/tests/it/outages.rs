//! Infrastructure that is away for longer than any number of attempts would last: jobs wait, and
//! go on when it is back. What fails alone still ends.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Clock, DocumentId, ErrorCode, InstallationId, Lifecycle, Status, Timestamp};
use futures::stream;
use queue::{Feed, JobKind};
use sea_orm::ConnectionTrait;
use storage::{
    ByteStream, EntryStream, Environment, Mark, Marking, Range, Refusal, SourceStream, Stat,
    Storage, StorageError, StorageUrl, WriteError, Writer,
};
use telemetry::Circuit;
use tokio::sync::watch;
use tokio::time::timeout;
use url::Url;
use worker::WorkerRole;

use crate::service::{PATIENCE, Service, wait_for};

/// How a place is.
#[derive(Clone, Debug)]
enum Weather {
    Fair,
    /// It doesn't answer.
    Away,
    /// It answers, and takes nothing.
    Full,
    /// One object can't be reached.
    Poisoned(Url),
    /// There is no room for one object.
    TooSmallFor(Url),
    /// It answers to reads alone.
    Frozen,
    /// It refuses to remove some objects.
    Keeps(Vec<Url>),
    /// It always fails to remove some objects.
    Fails(Vec<Url>),
}

/// A place whose weather is made.
struct Outdoors {
    inner: Arc<dyn Storage>,
    weather: watch::Receiver<Weather>,
    /// How many calls met bad weather.
    failed: Arc<AtomicUsize>,
}

impl fmt::Debug for Outdoors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outdoors").finish_non_exhaustive()
    }
}

fn away() -> StorageError {
    StorageError::Unavailable {
        action: "answer",
        source: "it is away".into(),
    }
}

fn refused(status: u16) -> StorageError {
    let refusal = Refusal {
        status,
        code: "AnyCode".to_owned(),
        request: "1".to_owned(),
        message: "it stays".to_owned(),
    };
    StorageError::Unavailable {
        action: "delete",
        source: refusal.into(),
    }
}

impl Outdoors {
    fn reach(&self, url: Option<&Url>) -> Result<(), StorageError> {
        let reached = match &*self.weather.borrow() {
            Weather::Away => Err(away()),
            Weather::Poisoned(poisoned) if url == Some(poisoned) => Err(away()),
            _ => Ok(()),
        };
        self.counted(reached)
    }

    fn has_room(&self, url: Option<&Url>) -> Result<(), StorageError> {
        let room = match &*self.weather.borrow() {
            Weather::Full => Err(StorageError::Full),
            Weather::Frozen => Err(away()),
            Weather::TooSmallFor(large) if url == Some(large) => Err(StorageError::Full),
            _ => Ok(()),
        };
        self.counted(room)
    }

    fn counted(&self, answer: Result<(), StorageError>) -> Result<(), StorageError> {
        if answer.is_err() {
            self.failed.fetch_add(1, Ordering::SeqCst);
        }
        answer
    }
}

#[async_trait]
impl Storage for Outdoors {
    fn place(&self) -> &Url {
        self.inner.place()
    }

    async fn stat(&self, url: &Url) -> Result<Option<Stat>, StorageError> {
        self.reach(Some(url))?;
        self.inner.stat(url).await
    }

    async fn put(
        &self,
        key: &str,
        source: SourceStream<'_>,
        writer: Writer,
    ) -> Result<Url, WriteError> {
        self.reach(None)?;
        self.has_room(None)?;
        self.inner.put(key, source, writer).await
    }

    async fn open(&self, url: &Url, range: Option<Range>) -> Result<ByteStream, StorageError> {
        self.reach(Some(url))?;
        self.inner.open(url, range).await
    }

    async fn delete(&self, url: &Url) -> Result<(), StorageError> {
        self.reach(Some(url))?;
        let answer = match &*self.weather.borrow() {
            Weather::Keeps(kept) if kept.contains(url) => Err(refused(403)),
            Weather::Fails(failing) if failing.contains(url) => Err(refused(500)),
            Weather::Frozen => Err(away()),
            _ => Ok(()),
        };
        self.counted(answer)?;
        self.inner.delete(url).await
    }

    async fn take(&self, staged: &Url, key: &str) -> Result<Option<Url>, StorageError> {
        self.reach(Some(staged))?;
        self.has_room(Some(staged))?;
        self.inner.take(staged, key).await
    }

    async fn list(&self, after: Option<&Url>) -> Result<EntryStream, StorageError> {
        self.reach(None)?;
        self.inner.list(after).await
    }

    async fn sweep(&self, older_than: Timestamp) -> Result<u64, StorageError> {
        self.reach(None)?;
        self.inner.sweep(older_than).await
    }

    async fn check(&self) -> Result<(), StorageError> {
        self.reach(None)
    }

    async fn mark(&self) -> Result<Option<Mark>, StorageError> {
        self.reach(None)?;
        self.inner.mark().await
    }

    async fn set_mark(
        &self,
        installation: InstallationId,
        marking: Marking,
    ) -> Result<(), StorageError> {
        self.reach(None)?;
        self.inner.set_mark(installation, marking).await
    }
}

/// A worker whose places have one weather.
struct Outside {
    weather: watch::Sender<Weather>,
    failed: Arc<AtomicUsize>,
    role: WorkerRole,
}

impl Outside {
    fn of(service: &Service) -> Self {
        let (weather, seen) = watch::channel(Weather::Fair);
        let failed = Arc::new(AtomicUsize::new(0));
        let outdoors = |inner: &Arc<dyn Storage>| -> Arc<dyn Storage> {
            Arc::new(Outdoors {
                inner: Arc::clone(inner),
                weather: seen.clone(),
                failed: Arc::clone(&failed),
            })
        };
        let places = service.places.with_adapters(
            outdoors(service.places.staging()),
            outdoors(service.places.store()),
        );
        let role = WorkerRole {
            places,
            ..service.role()
        };
        Self {
            weather,
            failed,
            role,
        }
    }

    /// Returns once further calls have met the weather.
    async fn is_felt(&self) {
        let before = self.failed.load(Ordering::SeqCst);
        while self.failed.load(Ordering::SeqCst) == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

const DOCUMENTS: [(&str, &[u8]); 4] = [
    ("one.txt", b"one"),
    ("two.txt", b"two"),
    ("three.json", b"{}"),
    ("empty", b""),
];

async fn outlasts_an_hour(weather: Weather, part: Circuit) {
    let service = Service::start().await;
    let mut documents: Vec<DocumentId> = Vec::new();
    for (name, content) in DOCUMENTS {
        documents.push(service.accepts(name, content).await);
    }
    let outside = Outside::of(&service);
    outside.weather.send_replace(weather);
    let settled = service.feed.settled().await;
    let working = Service::works(outside.role.clone());
    // Far more than eight attempts with their pauses would take.
    for _ in 0..6 {
        outside.is_felt().await;
        service.clock.advance(Duration::from_mins(12));
    }
    assert!(outside.role.meters.open_circuits().contains(&part));
    for document in &documents {
        let status = service.document(*document).await.lifecycle.status();
        assert_eq!(status, Status::Pending);
    }
    assert_eq!(service.staged().await, DOCUMENTS.len());
    let spent = "SELECT max(attempts) FROM jobs WHERE kind = 'process_version'";
    assert!(service.number(spent).await <= 1);
    let noted = "SELECT count(*) FROM jobs WHERE kind = 'process_version' AND state = 'ready' \
        AND last_error <> ''";
    assert!(service.number(noted).await > 0);

    outside.weather.send_replace(Weather::Fair);
    service.clock.advance(Duration::from_mins(12));
    wait_for(settled, &documents).await;
    working.stop().await;
    for document in documents {
        let status = service.document(document).await.lifecycle.status();
        assert_eq!(status, Status::Active);
    }
    assert_eq!(service.staged().await, 0);
    assert!(outside.role.meters.open_circuits().is_empty());
    let attempts = "SELECT count(*) FROM jobs WHERE kind = 'process_version' AND attempts <> 1";
    assert_eq!(service.number(attempts).await, 0);
}

#[tokio::test]
async fn storage_may_be_away_for_an_hour() {
    Box::pin(outlasts_an_hour(Weather::Away, Circuit::Store)).await;
}

#[tokio::test]
async fn a_store_may_stay_full_for_an_hour() {
    Box::pin(outlasts_an_hour(Weather::Full, Circuit::Store)).await;
}

/// A clock on which each look takes two minutes: every pause is over when it is looked at next.
#[derive(Debug)]
struct HurriedClock(AtomicI64);

impl Clock for HurriedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(120_000_000, Ordering::SeqCst))
    }
}

#[tokio::test]
async fn an_object_that_alone_can_t_be_reached_ends_in_an_error() {
    Box::pin(ends_in_an_error(Weather::Fair)).await;
}

#[tokio::test]
async fn so_it_does_while_a_further_place_without_it_is_away() {
    Box::pin(ends_in_an_error(Weather::Away)).await;
}

async fn ends_in_an_error(elsewhere: Weather) {
    let service = Service::start().await;
    let poisoned = service.accepts("poisoned.txt", b"poisoned").await;
    let staged = service.only_staged().await;
    let well = service.accepts("well.txt", b"well").await;
    let mut outside = Outside::of(&service);
    outside.weather.send_replace(Weather::Poisoned(staged));
    let folder = tempfile::tempdir().unwrap();
    let further = StorageUrl::from_directory(folder.path()).unwrap();
    let (_weather, seen) = watch::channel(elsewhere);
    let further = Outdoors {
        inner: further.connect_in(&Environment::default()).await.unwrap(),
        weather: seen,
        failed: Arc::default(),
    };
    outside.role.places = outside.role.places.with_more(vec![Arc::new(further)]);
    outside.role.clock = Arc::new(HurriedClock(AtomicI64::new(
        service.clock.now().as_micros(),
    )));
    outside.role.lease = Duration::from_hours(100);
    let settled = service.feed.settled().await;
    let working = Service::works(outside.role.clone());
    wait_for(settled, &[poisoned, well]).await;
    working.stop().await;
    assert!(matches!(
        service.document(well).await.lifecycle,
        Lifecycle::Active(_)
    ));
    let Lifecycle::Error(failure) = service.document(poisoned).await.lifecycle else {
        panic!("it didn't end");
    };
    assert_eq!(failure.code, ErrorCode::StorageUnavailable);
    let most = JobKind::ProcessVersion.max_attempts();
    let dead = format!("SELECT count(*) FROM jobs WHERE state = 'dead' AND attempts = {most}");
    assert_eq!(service.number(&dead).await, 1);
    assert!(outside.role.meters.open_circuits().is_empty());
}

#[tokio::test]
async fn a_document_for_which_there_is_no_room_waits_and_holds_up_nobody() {
    let service = Service::start().await;
    let large = service.accepts("large.txt", b"large").await;
    let outside = Outside::of(&service);
    let staged = service.only_staged().await;
    outside.weather.send_replace(Weather::TooSmallFor(staged));
    let settled = service.feed.settled().await;
    let working = Service::works(outside.role.clone());
    // More often than a job may fail.
    for _ in 0..=JobKind::ProcessVersion.max_attempts() {
        outside.is_felt().await;
        service.clock.advance(Duration::from_mins(12));
    }
    let small = service.accepts("small.txt", b"small").await;
    wait_for(settled, &[small]).await;
    let status = service.document(large).await.lifecycle.status();
    assert_eq!(status, Status::Pending);
    assert!(outside.role.meters.open_circuits().is_empty());

    let settled = service.feed.settled().await;
    outside.weather.send_replace(Weather::Fair);
    service.clock.advance(Duration::from_mins(12));
    wait_for(settled, &[large]).await;
    working.stop().await;
    let status = service.document(large).await.lifecycle.status();
    assert_eq!(status, Status::Active);
}

#[tokio::test]
async fn objects_that_storage_refuses_to_remove_hold_up_no_others() {
    Box::pin(hold_up_no_others(Weather::Keeps)).await;
}

#[tokio::test]
async fn objects_that_storage_always_fails_to_remove_hold_up_no_others() {
    Box::pin(hold_up_no_others(Weather::Fails)).await;
}

async fn hold_up_no_others(weather: fn(Vec<Url>) -> Weather) {
    let service = Service::start().await;
    let store = service.places.store();
    let place = store.place().clone();
    let url = || service.places.fresh_url(&place, service.clock.now());
    let locked: Vec<Url> = std::iter::repeat_with(url).take(24).collect();
    let key = url();
    let key = key.as_str().strip_prefix(place.as_str()).unwrap();
    let bytes = Box::pin(stream::iter([Ok(Bytes::from_static(b"bytes"))]));
    let removable = store.put(key, bytes, Writer::Service).await.unwrap();
    // The locked ones are due before it.
    let mut rows: Vec<_> = locked.iter().map(|url| format!("('{url}', 1)")).collect();
    rows.push(format!("('{removable}', 2)"));
    let sql = format!("INSERT INTO discards (url, at) VALUES {}", rows.join(", "));
    service.db.writer().execute_unprepared(&sql).await.unwrap();

    let outside = Outside::of(&service);
    outside.weather.send_replace(weather(locked));
    // The schedule enqueues the removal at the start.
    let working = Service::works(outside.role.clone());
    // The others are due again later.
    let now = service.clock.now().as_micros();
    let later = format!("SELECT count(*) FROM discards WHERE at > {now}");
    let removed = async {
        while service.stored().await > 0 || service.number(&later).await < 24 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, removed).await.expect("it is removed");
    working.stop().await;
    let tries = outside.failed.load(Ordering::SeqCst);
    assert_eq!(tries, 24, "each is tried once");
    assert!(outside.role.meters.open_circuits().is_empty());
}

#[tokio::test]
async fn nothing_is_put_off_while_storage_is_away() {
    let service = Service::start().await;
    let place = service.places.store().place().clone();
    let url = || service.places.fresh_url(&place, service.clock.now());
    let rows = std::iter::repeat_with(url).take(24);
    let rows: Vec<_> = rows.map(|url| format!("('{url}', 1)")).collect();
    let sql = format!("INSERT INTO discards (url, at) VALUES {}", rows.join(", "));
    service.db.writer().execute_unprepared(&sql).await.unwrap();
    let outside = Outside::of(&service);
    outside.weather.send_replace(Weather::Frozen);
    let working = Service::works(outside.role.clone());
    while outside.role.meters.open_circuits().is_empty() {
        outside.is_felt().await;
    }
    let waiting = "SELECT count(*) FROM discards WHERE at = 1";
    assert_eq!(service.number(waiting).await, 24);
    outside.weather.send_replace(Weather::Fair);
    let removed = async {
        while service.number("SELECT count(*) FROM discards").await > 0 {
            service.clock.advance(Duration::from_secs(10));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, removed).await.expect("all are removed");
    working.stop().await;
}

#[tokio::test]
async fn jobs_that_need_no_bytes_go_on_while_storage_is_away() {
    let service = Service::start().await;
    service.accepts("waits.txt", b"waits").await;
    let outside = Outside::of(&service);
    outside.weather.send_replace(Weather::Away);
    let working = Service::works(outside.role.clone());
    outside.is_felt().await;
    // The schedule enqueues both at the start.
    let done = "SELECT count(*) FROM jobs WHERE state = 'done' AND kind = 'forget_requests'";
    while service.number(done).await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    working.stop().await;
    let swept = "SELECT count(*) FROM jobs WHERE state = 'done' AND kind = 'sweep_staging'";
    assert_eq!(service.number(swept).await, 0);
}
