//! A year of the service with its clock turned: uploads, edits, operations, exports, imports,
//! failures, keys, users who come and go. The cleanup holds every table of the schema to what it
//! was. Tables are listed by the database itself: whoever adds one says here what bounds it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::{
    ByteSize, Clock, DocumentId, JobId, KeyId, Limits, ManualClock, Metadata, OperationId,
    Retention, RunMode, Sha256, User, UserId, VersionId, Visibility,
};
use futures::stream;
use ledger::ownership::Ownership;
use ledger::{
    ApiKey, ConflictPolicy, Database, DocumentChanges, DocumentFilter, NewContent, NewImport,
    NewJob, NewOperation, NewUndo, Precondition, Selection, Target, Task, VersionScope, WorkerSign,
    accept, add_key, add_user, add_version, archive_document, begin_request, create_import,
    create_operation, delete_document, edit_document, enqueue, find_ended, remove_user,
    restore_document, see_worker, undo_operation,
};
use ledger::{Arrival, KeyedRequest};
use queue::{Feed, InProcessFeed, JobKind, Queue};
use sea_orm::{ConnectionTrait, DbBackend};
use serde_json::json;
use storage::{Staged, StorageRouter, StorageUrl};
use telemetry::Meters;
use tests::archives::archive_of;
use tests::ledger::{NOW, count, limits, rows, user};
use tests::on_each_database;
use tokio_util::sync::CancellationToken;
use worker::WorkerRole;

/// Longer than anything is kept.
const MONTH: Duration = Duration::from_hours(31 * 24);

/// What bounds each table, and how many rows more it may have than at another time.
const TABLES: &[(&str, &str, i64)] = &[
    ("api_keys", "made and removed by admins", 0),
    // A year's worth; there is none from before.
    ("audit_log", "DOSSIER_KEEP_AUDIT_LOG", 1_000),
    ("blobs", "content that versions refer to", 0),
    ("cleanup_positions", "a row for each walk of the cleanup", 0),
    ("discards", "bytes that are being removed", 0),
    ("document_numbers", "a row for each document", 0),
    ("document_words", "a row for each document", 0),
    ("document_words_config", "settings of FTS5", 0),
    // FTS5 merges them when it sees fit.
    ("document_words_data", "words of documents", 100),
    ("document_words_docsize", "a row for each document", 0),
    ("document_words_idx", "words of documents", 100),
    (
        "documents",
        "the document limit; failed ones by DOSSIER_KEEP_FAILURES",
        0,
    ),
    (
        "events",
        "DOSSIER_KEEP_EVENTS, and so many of each document",
        0,
    ),
    ("idempotency", "24 hours", 0),
    ("identities", "made and removed by admins and issuers", 0),
    ("installation", "one row", 0),
    // The schedule of the worker ticks by the system's clock.
    (
        "jobs",
        "an hour, with a key 48 hours, dead ones DOSSIER_KEEP_DEAD_JOBS_FOR",
        60,
    ),
    (
        "operation_items",
        "DOSSIER_KEEP_OPERATIONS and DOSSIER_MAX_OPERATION_ITEMS",
        0,
    ),
    (
        "operations",
        "DOSSIER_KEEP_OPERATIONS and DOSSIER_MAX_OPERATIONS",
        0,
    ),
    ("places", "places that an operator has configured", 0),
    ("quarantine", "DOSSIER_KEEP_QUARANTINED_FOR", 0),
    ("schema_compatibility", "a row for each schema", 0),
    ("seaql_migrations", "a row for each migration", 0),
    ("upload_grants", "uploads that are under way", 0),
    ("users", "made and removed by admins and issuers", 0),
    (
        "versions",
        "quota and DOSSIER_KEEP_VERSIONS; failed ones by DOSSIER_KEEP_FAILURES",
        0,
    ),
    // One that the turned clock made silent may not have been forgotten yet.
    ("workers", "half a minute without a sign of life", 2),
    ("write_checks", "one row", 0),
];

/// The service, as far as this is about it.
struct Service<'a> {
    db: &'a Database,
    places: StorageRouter,
    feed: Arc<InProcessFeed>,
    clock: Arc<ManualClock>,
    limits: Arc<Limits>,
    owner: UserId,
}

fn roomy() -> Limits {
    Limits {
        default_quota_bytes: ByteSize::gibibytes(1),
        ..limits()
    }
}

impl Service<'_> {
    fn role(&self) -> WorkerRole {
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
            queues: Queue::ALL.to_vec(),
            concurrency: 4,
            lease: Duration::from_hours(24),
            grace: Duration::from_secs(10),
        }
    }

    async fn stages(&self, bytes: impl Into<Bytes>) -> Staged {
        let source = Box::pin(stream::iter([Ok(bytes.into())]));
        self.places.stage(self.clock.now(), source).await.unwrap()
    }

    async fn told(&self, queue: Queue, job: JobId) {
        self.feed.announce(queue, &[job]).await.unwrap();
    }

    async fn uploads(&self, content: &str) -> DocumentId {
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

    fn target(&self, document: DocumentId) -> Target {
        Target {
            document,
            owner: self.owner,
            precondition: Precondition::None,
        }
    }

    async fn updates(&self, document: DocumentId, content: &str) {
        let (staged, at) = (self.stages(content.to_owned()).await, self.clock.now());
        let content = NewContent {
            version: VersionId::new(at),
            job: JobId::new(at),
            declared_type: None,
            staged: staged.url,
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

    async fn asks(&self, task: Task, mode: RunMode) -> OperationId {
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

    async fn ends(&self, operation: OperationId) {
        let ended = async || find_ended(self.db, &[operation]).await.unwrap().len() == 1;
        while !ended().await {
            self.passes().await;
        }
    }

    async fn imports(&self) {
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
    async fn passes(&self) {
        // Others get on meanwhile, whom this clock says nothing.
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.clock.advance(Duration::from_millis(100));
    }

    /// Waits until nothing is to be done, what is due later included.
    async fn runs_dry(&self) {
        let open = "SELECT count(*) FROM jobs WHERE state IN ('ready', 'running')";
        while count(self.db, open).await > 0 {
            self.passes().await;
        }
    }

    /// Has the whole cleanup run, twice: what a job leaves, another one finds.
    async fn cleans_up(&self) {
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
    async fn lives(&self, month: usize, lasting: DocumentId) {
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

    async fn operates(&self) {
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
    async fn others_come_and_go(&self, month: usize) {
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
        let key = ApiKey {
            id: KeyId::new(now),
            user: guest,
            created_at: now,
        };
        add_key(self.db, key, Sha256::of(month.to_string().as_bytes()))
            .await
            .unwrap();
        remove_user(self.db, guest, now, |_| vec![]).await.unwrap();
        let name = format!("worker {month}");
        see_worker(
            self.db,
            &WorkerSign {
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

    async fn rows(&self) -> BTreeMap<String, i64> {
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

#[on_each_database]
async fn a_year_leaves_every_table_as_it_was(db: &Database) {
    let folder = tempfile::tempdir().unwrap();
    let place = |name| StorageUrl::from_directory(&folder.path().join(name)).unwrap();
    let mut limits = roomy();
    limits.types.blocked = vec!["text/html".parse().unwrap()];
    let service = Service {
        db,
        places: StorageRouter::connect(&place("staging"), &place("store"))
            .await
            .unwrap(),
        feed: Arc::default(),
        clock: Arc::new(ManualClock::starting_at(NOW)),
        limits: Arc::new(limits),
        owner: user(db, "alice").await,
    };
    service.role().ownership.verify().await.unwrap();
    let shutdown = CancellationToken::new();
    let working = tokio::spawn(worker::run(service.role(), shutdown.clone()));
    let lasting = service.uploads("what it says at first").await;
    service.runs_dry().await;
    let (mut baseline, mut most) = (BTreeMap::new(), BTreeMap::<String, i64>::new());
    for month in 0..13 {
        service.lives(month, lasting).await;
        for (table, number) in service.rows().await {
            let most = most.entry(table).or_default();
            *most = number.max(*most);
        }
        service.clock.advance(MONTH);
        service.cleans_up().await;
        let kept = service.rows().await;
        let unnamed: Vec<_> = kept
            .keys()
            .filter(|table| TABLES.iter().all(|(name, ..)| name != table))
            .collect();
        assert!(unnamed.is_empty(), "what bounds {unnamed:?}?");
        // The first months make what stays: versions, old events.
        if month < 3 {
            baseline = kept;
            continue;
        }
        for (table, number) in kept {
            let (_, bound, more) = TABLES.iter().find(|(name, ..)| *name == table).unwrap();
            assert!(
                number <= baseline[&table] + more,
                "{table} has {number} rows in month {month}, bounded by: {bound}; {baseline:?}"
            );
        }
    }
    // Otherwise this would tell nothing of them.
    for table in [
        "documents",
        "events",
        "idempotency",
        "operation_items",
        "operations",
        "versions",
    ] {
        assert!(
            most[table] > baseline[table],
            "{table}: {} and {}",
            most[table],
            baseline[table]
        );
    }
    shutdown.cancel();
    working.await.unwrap().unwrap();
}

#[test]
fn every_table_is_named_once() {
    let names: Vec<_> = TABLES.iter().map(|(name, ..)| name).collect();
    assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
}
