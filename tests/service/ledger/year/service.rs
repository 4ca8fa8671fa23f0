//! The service with its clock turned, and what is done with it in a year.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::{
    ByteSize, Clock, DocumentId, JobId, Limits, ManualClock, Metadata, OperationId, Retention,
    RunMode, Sha256, User, UserId, VersionId, Visibility,
};
use futures::stream;
use ledger::ownership::Ownership;
use ledger::{
    ApiKey, Arrival, ConflictPolicy, Database, DocumentChanges, DocumentFilter, KeyedRequest,
    NewContent, NewImport, NewJob, NewOperation, NewUndo, Precondition, Selection, Target, Task,
    VersionScope, WorkerStatus, accept, add_key, add_user, add_version, archive_document,
    begin_request, create_import, create_operation, delete_document, edit_document, enqueue,
    find_ended, record_heartbeat, remove_user, restore_document, undo_operation,
};
use queue::{Feed, InProcessFeed, JobKind, Queue};
use sea_orm::{ConnectionTrait, DbBackend};
use serde_json::json;
use storage::{Staged, StorageRouter};
use telemetry::Meters;
use tests::archives::archive_of;
use tests::ledger::{count, limits, rows};
use worker::WorkerRole;

/// Longer than anything is kept.
pub const MONTH: Duration = Duration::from_hours(31 * 24);

/// The service, as far as this is about it.
pub struct Service<'a> {
    pub db: &'a Database,
    pub places: StorageRouter,
    pub feed: Arc<InProcessFeed>,
    pub clock: Arc<ManualClock>,
    pub limits: Arc<Limits>,
    pub owner: UserId,
}

pub fn roomy() -> Limits {
    Limits {
        default_quota_bytes: ByteSize::gibibytes(1),
        ..limits()
    }
}

impl Service<'_> {
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
            retention: Retention {
                versions: std::num::NonZeroU32::new(3),
                ..Retention::default()
            },
            meters: Meters::default(),
            client: outbound::Client::new(outbound::Policy::default()),
            sealer: ledger::SecretSealer::default(),
            queues: Queue::ALL.to_vec(),
            concurrency: 4,
            lease: Duration::from_hours(24),
            grace: Duration::from_secs(10),
        }
    }

    pub async fn stages(&self, bytes: impl Into<Bytes>) -> Staged {
        let source = Box::pin(stream::iter([Ok(bytes.into())]));
        self.places.stage(self.clock.now(), source).await.unwrap()
    }

    pub async fn told(&self, queue: Queue, job: JobId) {
        self.feed.announce(queue, &[job]).await.unwrap();
    }

    pub async fn uploads(&self, content: &str) -> DocumentId {
        let (staged, at) = (self.stages(content.to_owned()).await, self.clock.now());
        let arrival = Arrival {
            document: DocumentId::new(at),
            version: VersionId::new(at),
            job: JobId::new(at),
            owner: self.owner,
            name: "report.txt".parse().unwrap(),
            visibility: Visibility::Private { unique_name: None },
            metadata: Metadata::default(),
            declared_type: None,
            staged: staged.url,
            body: None,
            size: staged.size,
            sha256: staged.sha256,
            traceparent: None,
            at,
            receipt: None,
        };
        let (document, job) = (arrival.document, arrival.job);
        assert_eq!(
            accept(self.db, &self.limits, &[arrival]).await.unwrap(),
            [Ok(())]
        );
        self.told(Queue::Ingest, job).await;
        document
    }

    pub fn target(&self, document: DocumentId) -> Target {
        Target {
            document,
            owner: self.owner,
            precondition: Precondition::None,
        }
    }

    pub async fn updates(&self, document: DocumentId, content: &str) {
        let (staged, at) = (self.stages(content.to_owned()).await, self.clock.now());
        let content = NewContent {
            version: VersionId::new(at),
            job: JobId::new(at),
            declared_type: None,
            staged: staged.url,
            body: None,
            size: staged.size,
            sha256: staged.sha256,
            traceparent: None,
            at,
        };
        let job = content.job;
        add_version(self.db, &self.target(document), &content, &self.limits)
            .await
            .unwrap();
        self.told(Queue::Ingest, job).await;
    }

    pub async fn asks(&self, task: Task, mode: RunMode) -> OperationId {
        let at = self.clock.now();
        let new = NewOperation {
            id: OperationId::new(at),
            owner: self.owner,
            task,
            selection: Selection::Matching(DocumentFilter::default()),
            mode,
            traceparent: None,
            at,
        };
        let created = create_operation(self.db, &new, &self.limits.operations)
            .await
            .unwrap();
        self.told(Queue::Bulk, created.1).await;
        self.ends(new.id).await;
        new.id
    }

    pub async fn ends(&self, operation: OperationId) {
        let ended = async || find_ended(self.db, &[operation]).await.unwrap().len() == 1;
        while !ended().await {
            self.passes().await;
        }
    }

    pub async fn imports(&self) {
        let (staged, at) = (
            self.stages(archive_of(&[("a.txt", "a"), ("b.txt", "b")]))
                .await,
            self.clock.now(),
        );
        let new = NewImport {
            id: OperationId::new(at),
            owner: self.owner,
            on_conflict: ConflictPolicy::Rename,
            source: staged.url,
            source_size: staged.size,
            traceparent: None,
            at,
        };
        let created = create_import(self.db, &new, &self.limits.operations)
            .await
            .unwrap();
        self.told(Queue::Bulk, created.1).await;
        self.ends(new.id).await;
    }

    /// Real time passes a little, and the service's own more.
    pub async fn passes(&self) {
        // Others get on meanwhile, whom this clock says nothing.
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.clock.advance(Duration::from_millis(100));
    }

    /// Waits until nothing is to be done, what is due later included.
    pub async fn runs_dry(&self) {
        let open = "SELECT count(*) FROM jobs WHERE state IN ('ready', 'running')";
        while count(self.db, open).await > 0 {
            self.passes().await;
        }
    }

    /// Has the whole cleanup run, twice: what a job leaves, another one finds.
    pub async fn cleans_up(&self) {
        let maintenance = || {
            JobKind::ALL
                .into_iter()
                .filter(|kind| kind.queue() == Queue::Maintenance)
        };
        for kind in maintenance()
            .chain(maintenance())
            .chain([JobKind::RemoveDiscarded])
        {
            let now = self.clock.now();
            let job = NewJob::without_subject(kind, self.owner, now);
            enqueue(self.db.writer(), std::slice::from_ref(&job), now)
                .await
                .unwrap();
            self.told(Queue::Maintenance, job.id).await;
            self.runs_dry().await;
        }
    }

    /// What happens in a month.
    pub async fn lives(&self, month: usize, lasting: DocumentId) {
        let mut documents = Vec::new();
        for number in 0..3 {
            documents.push(
                self.uploads(&format!("text {number} of month {month}"))
                    .await,
            );
        }
        self.uploads(&format!("<!DOCTYPE html><html><body>{month}</body></html>"))
            .await;
        self.updates(lasting, &format!("what it says in month {month}"))
            .await;
        self.runs_dry().await;
        self.updates(
            lasting,
            &format!("<!DOCTYPE html><html><body>{month}</body></html>"),
        )
        .await;
        self.runs_dry().await;
        let target = self.target(lasting);
        for _ in 0..15 {
            archive_document(self.db, &target, self.clock.now())
                .await
                .unwrap();
            restore_document(self.db, &target, self.clock.now())
                .await
                .unwrap();
        }
        let metadata = Some(json!({"month": month}));
        let edit = DocumentChanges {
            metadata,
            ..DocumentChanges::default()
        };
        edit_document(self.db, &target, edit, self.clock.now())
            .await
            .unwrap();
        self.operates().await;
        self.others_come_and_go(month).await;
        for document in documents {
            let target = self.target(document);
            let traces = |staged: &str| self.places.traces_of(staged);
            delete_document(self.db, &target, self.clock.now(), traces)
                .await
                .unwrap();
        }
        self.runs_dry().await;
    }

    pub async fn operates(&self) {
        self.asks(Task::Delete, RunMode::Dry).await;
        let renamed = DocumentChanges {
            name: Some("other.txt".parse().unwrap()),
            ..DocumentChanges::default()
        };
        let undoes = self.asks(Task::Update(renamed), RunMode::Real).await;
        let at = self.clock.now();
        let new = NewUndo {
            id: OperationId::new(at),
            undoes,
            owner: self.owner,
            at,
        };
        let undone = undo_operation(self.db, &new, &self.limits.operations)
            .await
            .unwrap();
        self.told(Queue::Bulk, undone.1).await;
        self.ends(new.id).await;
        self.asks(Task::Export(VersionScope::Current), RunMode::Real)
            .await;
        self.imports().await;
        // What was imported goes again.
        let imported = "SELECT id FROM documents WHERE name IN ('a.txt', 'b.txt')";
        for row in rows(self.db, imported, vec![]).await {
            let target = self.target(DocumentId(row.try_get_by_index(0).unwrap()));
            delete_document(self.db, &target, self.clock.now(), |_| vec![])
                .await
                .unwrap();
        }
    }

    /// Requests, keys, users, workers, jobs that failed for good, bytes that nobody refers to.
    pub async fn others_come_and_go(&self, month: usize) {
        let now = self.clock.now();
        for number in 0..5 {
            let request = KeyedRequest {
                owner: self.owner,
                key: format!("{month} {number}"),
                hash: Sha256::of(b"request"),
            };
            begin_request(self.db, &request, now, Duration::from_mins(2))
                .await
                .unwrap();
        }
        let guest = UserId::new(now);
        add_user(
            self.db,
            &User {
                id: guest,
                ..User::new("guest".parse().unwrap(), now)
            },
        )
        .await
        .unwrap();
        let key = ApiKey::new(guest, now);
        add_key(self.db, key, Sha256::of(month.to_string().as_bytes()))
            .await
            .unwrap();
        remove_user(self.db, guest, now, |_| vec![]).await.unwrap();
        let name = format!("worker {month}");
        record_heartbeat(
            self.db,
            &WorkerStatus {
                name,
                queues: vec![Queue::Bulk],
                running: 0,
                at: now,
            },
        )
        .await
        .unwrap();
        let job = NewJob::without_subject(JobKind::RunOperation, self.owner, now);
        enqueue(
            self.db.writer(),
            std::slice::from_ref(&job),
            now.plus(MONTH),
        )
        .await
        .unwrap();
        let dead = format!(
            "UPDATE jobs SET state = 'dead', worker = NULL, finished_at = {} WHERE kind = 'run_operation' AND subject_id IS NULL",
            now.as_micros()
        );
        self.db.writer().execute_unprepared(&dead).await.unwrap();
        self.stages(format!("left behind in month {month}")).await;
    }

    pub async fn rows(&self) -> BTreeMap<String, i64> {
        let tables = match self.db.writer().get_database_backend() {
            DbBackend::Postgres => {
                "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()"
            }
            _ => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        };
        let mut found = BTreeMap::new();
        for row in rows(self.db, tables, vec![]).await {
            let table: String = row.try_get_by_index(0).unwrap();
            let number = count(self.db, &format!("SELECT count(*) FROM {table}")).await;
            found.insert(table, number);
        }
        found
    }
}
