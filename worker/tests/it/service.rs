//! A service without ingress: uploads are staged and accepted here, workers run on it.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::{
    Allowances, ByteSize, Clock, Document, DocumentId, DocumentName, ImportLimits, JobId, Limits,
    ManualClock, Metadata, OperationLimits, Retention, RowLimits, Timestamp, TypeMismatch,
    TypePolicy, UploadLimits, User, UserId, VersionId, Visibility,
};
use futures::stream;
use futures::{StreamExt, TryStreamExt};
use ledger::ownership::Ownership;
use ledger::{Arrival, ClaimRequest, ClaimedJob, Database, DatabaseUrl};
use queue::{Awaited, Feed, InProcessFeed, Queue, SettledStream};
use sea_orm::{ConnectionTrait, Statement};
use storage::{Storage, StorageRouter, StorageUrl};
use telemetry::Meters;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;
use worker::{WorkerError, WorkerRole};

/// Far more than anything here takes.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The lease of the workers here. Their clock stands still, so it never runs out by itself.
pub const LEASE: Duration = Duration::from_mins(1);

pub struct Service {
    pub db: Database,
    pub places: StorageRouter,
    pub feed: Arc<InProcessFeed>,
    pub clock: Arc<ManualClock>,
    pub limits: Arc<Limits>,
    pub owner: UserId,
    _folder: tempfile::TempDir,
}

/// A worker at work.
pub struct Working {
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), WorkerError>>,
}

impl Working {
    /// Ends the worker and waits until it is gone.
    pub async fn stop(self) {
        self.shutdown.cancel();
        timeout(PATIENCE, self.running)
            .await
            .expect("a worker ends")
            .unwrap()
            .unwrap();
    }
}

fn place(folder: &Path, name: &str) -> StorageUrl {
    StorageUrl::from_directory(&folder.join(name)).unwrap()
}

impl Service {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = DatabaseUrl::Sqlite(folder.path().join("dossier.db"));
        let db = Database::connect(&file, 4).await.unwrap();
        migrations::up(db.writer()).await.unwrap();
        let (staging, store) = (
            place(folder.path(), "staging"),
            place(folder.path(), "store"),
        );
        let places = StorageRouter::connect(&staging, &store).await.unwrap();
        let clock = Arc::new(ManualClock::starting_at(Timestamp::from_micros(
            1_700_000_000_000_000,
        )));
        let service = Self {
            owner: UserId::new(clock.now()),
            db,
            places,
            feed: Arc::default(),
            clock,
            limits: Arc::new(limits()),
            _folder: folder,
        };
        service.add_user(service.owner).await;
        // As every process does before it begins: its places are marked.
        service.role().ownership.verify().await.unwrap();
        service
    }

    /// Somebody else with room for everything here.
    pub async fn add_user(&self, id: UserId) {
        let name = id.to_string().parse().unwrap();
        let user = User {
            id,
            ..User::new(name, self.clock.now())
        };
        ledger::add_user(&self.db, &user).await.unwrap();
    }

    /// A worker of all queues.
    pub fn role(&self) -> WorkerRole {
        WorkerRole {
            db: self.db.clone(),
            places: self.places.clone(),
            ownership: Ownership::of(
                self.db.clone(),
                self.places.clone(),
                Arc::clone(&self.clock) as Arc<dyn Clock>,
            ),
            feed: Arc::clone(&self.feed) as Arc<dyn Feed>,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            limits: Arc::clone(&self.limits),
            retention: Retention::default(),
            meters: Meters::default(),
            client: outbound::Client::new(outbound::Policy::default()),
            sealer: ledger::SecretSealer::default(),
            queues: Queue::ALL.to_vec(),
            concurrency: 4,
            lease: LEASE,
            grace: Duration::from_secs(30),
        }
    }

    /// The places, with staging behind `wrap`.
    pub fn places_with<S: Storage + 'static>(
        &self,
        wrap: impl FnOnce(Arc<dyn Storage>) -> S,
    ) -> StorageRouter {
        let staging = Arc::new(wrap(Arc::clone(self.places.staging())));
        self.places
            .with_adapters(staging, Arc::clone(self.places.store()))
    }

    /// Stages `content` and takes it in.
    pub async fn accepts(&self, name: &str, content: &'static [u8]) -> DocumentId {
        self.accepts_of(self.owner, name, content).await
    }

    /// The same of somebody else.
    pub async fn accepts_of(
        &self,
        owner: UserId,
        name: &str,
        content: &'static [u8],
    ) -> DocumentId {
        let now = self.clock.now();
        let source = Box::pin(stream::iter([Ok(content.into())]));
        let staged = self.places.stage(now, source).await.unwrap();
        let arrival = Arrival {
            document: DocumentId::new(now),
            version: VersionId::new(now),
            job: JobId::new(now),
            owner,
            name: name.parse::<DocumentName>().unwrap(),
            visibility: Visibility::Private { unique_name: None },
            metadata: Metadata::default(),
            declared_type: None,
            staged: staged.url,
            body: None,
            size: staged.size,
            sha256: staged.sha256,
            traceparent: None,
            at: now,
            receipt: None,
        };
        let answers = ledger::accept(&self.db, &self.limits, std::slice::from_ref(&arrival))
            .await
            .unwrap();
        assert_eq!(answers, [Ok(())]);
        self.feed
            .announce(Queue::Ingest, &[arrival.job])
            .await
            .unwrap();
        arrival.document
    }

    /// Starts a worker.
    pub fn works(role: WorkerRole) -> Working {
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(worker::run(role, shutdown.clone()));
        Working { shutdown, running }
    }

    /// Runs a worker until `documents` are settled.
    pub async fn settles(&self, documents: &[DocumentId]) {
        let settled = self.feed.settled().await;
        let working = Self::works(self.role());
        wait_for(settled, documents).await;
        working.stop().await;
    }

    pub async fn document(&self, id: DocumentId) -> Document {
        ledger::find_document(&self.db, id).await.unwrap().unwrap()
    }

    /// Claims due uploads as another worker.
    pub async fn claims(&self) -> Vec<ClaimedJob> {
        self.claims_of(Queue::Ingest).await
    }

    /// Claims due jobs of a queue as another worker.
    pub async fn claims_of(&self, queue: Queue) -> Vec<ClaimedJob> {
        let request = ClaimRequest {
            queue,
            worker: "another",
            limit: 100,
            lease: LEASE,
            after: UserId(Uuid::nil()),
            now: self.clock.now(),
        };
        ledger::claim_jobs(&self.db, &request).await.unwrap()
    }

    /// The number that a question gives.
    pub async fn number(&self, sql: &str) -> i64 {
        let backend = self.db.reader().get_database_backend();
        let row = self
            .db
            .reader()
            .query_one_raw(Statement::from_string(backend, sql))
            .await
            .unwrap()
            .unwrap();
        row.try_get_by_index(0).unwrap()
    }

    /// How many objects lie in staging.
    pub async fn staged(&self) -> usize {
        count(self.places.staging()).await
    }

    /// Where the one object in staging lies.
    pub async fn only_staged(&self) -> Url {
        let listed = self.places.staging().list(None).await.unwrap();
        let staged: Vec<_> = listed.try_collect().await.unwrap();
        assert_eq!(staged.len(), 1);
        staged[0].url.clone()
    }

    /// How many objects lie in the store.
    pub async fn stored(&self) -> usize {
        count(self.places.store()).await
    }
}

/// Waits until all of `documents` were announced as settled.
pub async fn wait_for(mut settled: SettledStream, documents: &[DocumentId]) {
    let mut waiting: HashSet<_> = documents.iter().copied().collect();
    while !waiting.is_empty() {
        let heard = timeout(PATIENCE, settled.next())
            .await
            .expect("documents settle")
            .unwrap();
        for awaited in heard {
            if let Awaited::Document(document) = awaited {
                waiting.remove(&document);
            }
        }
    }
}

async fn count(storage: &Arc<dyn Storage>) -> usize {
    storage.list(None).await.unwrap().count().await
}

fn limits() -> Limits {
    Limits {
        max_document: ByteSize::gibibytes(1),
        inline: ByteSize::new(64 << 10),
        default_quota_bytes: ByteSize::gibibytes(1),
        default_quota_documents: 1_000_000,
        types: TypePolicy {
            allowed: vec!["*/*".parse().unwrap()],
            blocked: vec!["application/pdf".parse().unwrap()],
        },
        type_mismatch: TypeMismatch::Record,
        imports: ImportLimits::default(),
        operations: OperationLimits::default(),
        uploads: UploadLimits::default(),
        allowances: Allowances::default(),
        rows: RowLimits::default(),
    }
}
