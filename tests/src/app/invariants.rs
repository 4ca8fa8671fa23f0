//! Invariants of database and storage once no job is left.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use domain::{Clock as _, SystemClock, UserId};
use futures::TryStreamExt;
use ledger::{Database, NewJob, enqueue};
use queue::JobKind;
use sea_orm::{ConnectionTrait, Statement};
use storage::{Storage, StorageRouter};
use uuid::Uuid;

use super::Mode;
use crate::poll::poll;
use crate::servers::{S3, Variables};

/// The folder of a place's mark, which isn't an object.
const MARKS: &str = ".dossier";

/// How long jobs may take until none is left.
const PATIENCE: Duration = Duration::from_secs(90);

/// How long the bytes of a refused request may remain.
const REMOVAL: Duration = Duration::from_secs(20);

/// The ledger of a running service, read from outside.
pub(super) struct Ledger {
    db: Database,
}

impl Ledger {
    pub(super) async fn open(mode: Mode, folder: &Path, variables: &Variables) -> Self {
        let data = folder.join("data");
        let url = match mode {
            Mode::Embedded => format!("sqlite://{}", data.join("dossier.sqlite").display()),
            Mode::Distributed => {
                let variable = variables
                    .iter()
                    .find(|(name, _)| name == "DOSSIER_DATABASE_URL");
                variable.expect("this mode has a database server").1.clone()
            }
        };
        let url = url.parse().expect("it is the service's own URL");
        Self {
            db: Database::connect(&url, 2)
                .await
                .expect("the database answers"),
        }
    }

    pub(super) fn into_database(self) -> Database {
        self.db
    }

    pub(super) async fn number(&self, sql: &str) -> i64 {
        let reader = self.db.reader();
        let statement = Statement::from_string(reader.get_database_backend(), sql);
        let row = reader
            .query_one_raw(statement)
            .await
            .expect("the database answers")
            .expect("a count is a row");
        row.try_get_by_index(0).expect("a count is a number")
    }

    pub(super) async fn tamper(&self, sql: &str) -> u64 {
        let changed = self.db.writer().execute_unprepared(sql).await;
        changed.expect("the database answers").rows_affected()
    }

    pub(super) async fn texts(&self, sql: &str) -> BTreeSet<String> {
        let reader = self.db.reader();
        let statement = Statement::from_string(reader.get_database_backend(), sql);
        let rows = reader
            .query_all_raw(statement)
            .await
            .expect("the database answers");
        rows.into_iter()
            .map(|row| row.try_get_by_index(0).expect("the column is text"))
            .collect()
    }

    pub(super) async fn pending_documents(&self) -> i64 {
        self.number("SELECT count(*) FROM documents WHERE status = 'pending'")
            .await
    }

    /// Waits until no job is waiting or running and no bytes wait for removal. What the service leaves to
    /// its schedule is removed now.
    pub(super) async fn run_dry(&self) {
        poll(PATIENCE, async || {
            let open = "SELECT count(*) FROM jobs WHERE state IN ('ready', 'running')";
            let jobs = self.number(open).await;
            let bytes = self.number("SELECT count(*) FROM discards").await;
            if jobs == 0 && bytes > 0 {
                self.enqueue(JobKind::RemoveDiscarded).await;
            }
            if jobs + bytes == 0 {
                return Ok(());
            }
            Err(format!("{jobs} jobs and {bytes} discarded bytes are left"))
        })
        .await;
    }

    /// Enqueues a scheduled job, of an owner of its own.
    async fn enqueue(&self, kind: JobKind) {
        let now = SystemClock.now();
        let job = NewJob::without_subject(kind, UserId(Uuid::new_v4()), now);
        let enqueued = enqueue(self.db.writer(), &[job], now).await;
        enqueued.expect("jobs can be enqueued");
    }

    /// Asserts that nothing is pending, and that every counter equals the sum of the rows it
    /// counts.
    pub(super) async fn check_counters(&self) {
        for (what, sql) in [
            (
                "documents are pending",
                "SELECT count(*) FROM documents WHERE status = 'pending'",
            ),
            (
                "versions are pending",
                "SELECT count(*) FROM versions WHERE status = 'pending'",
            ),
            (
                "blobs don't count their versions",
                "SELECT count(*) FROM blobs WHERE refs <> (SELECT count(*) FROM versions WHERE blob_id = blobs.id)",
            ),
            (
                "users are charged other bytes than they keep",
                "SELECT count(*) FROM users WHERE reserved_bytes <> COALESCE((SELECT sum(reserved_bytes) FROM uploads \
                 WHERE owner_id = users.id), 0) + COALESCE((SELECT sum(reserved_bytes) FROM tickets \
                 WHERE owner_id = users.id), 0) OR used_bytes <> COALESCE((SELECT sum(size_bytes) \
                 FROM versions WHERE owner_id = users.id AND status = 'active'), 0)",
            ),
            (
                "users are charged other bytes than they have in staging",
                "SELECT count(*) FROM users WHERE staging_bytes <> \
                 COALESCE((SELECT sum(size_bytes) FROM versions WHERE owner_id = users.id AND status = 'error' AND staged_url IS NOT NULL), 0) \
                 + COALESCE((SELECT sum(source_size) FROM operations WHERE owner_id = users.id AND source_url IS NOT NULL), 0)",
            ),
            (
                "users are charged other bytes than wait to be removed",
                "SELECT count(*) FROM users WHERE discarded_bytes <> \
                 COALESCE((SELECT sum(charged_bytes) FROM discards WHERE owner_id = users.id), 0)",
            ),
            (
                "users are charged other results than they have",
                "SELECT count(*) FROM users WHERE result_bytes <> COALESCE((SELECT sum(result_size) FROM operations \
                 WHERE owner_id = users.id AND result_url IS NOT NULL), 0)",
            ),
            (
                "users are charged other failures than they have",
                "SELECT count(*) FROM users WHERE failed_versions <> \
                 (SELECT count(*) FROM versions WHERE owner_id = users.id AND status = 'error')",
            ),
            (
                "operations at rest have something reserved",
                "SELECT count(*) FROM operations WHERE held_bytes <> 0",
            ),
            (
                "users are charged other documents than they keep",
                "SELECT count(*) FROM users WHERE used_documents <> \
                 (SELECT count(*) FROM documents WHERE owner_id = users.id AND status <> 'error') \
                 + COALESCE((SELECT sum(reserved_documents) FROM uploads WHERE owner_id = users.id), 0)",
            ),
            (
                "operations have not ended",
                "SELECT count(*) FROM operations WHERE status IN ('pending', 'running') AND expired_at IS NULL",
            ),
            (
                "operations don't count their items",
                "SELECT count(*) FROM operations o WHERE o.status <> 'error' AND o.expired_at IS NULL AND (o.total, o.succeeded, o.failed, o.skipped) <> \
                 ((SELECT count(*) FROM operation_items WHERE operation_id = o.id), \
                 (SELECT count(*) FROM operation_items WHERE operation_id = o.id AND result = 'succeeded'), \
                 (SELECT count(*) FROM operation_items WHERE operation_id = o.id AND result = 'failed'), \
                 (SELECT count(*) FROM operation_items WHERE operation_id = o.id AND result = 'skipped'))",
            ),
            (
                "active documents don't show their version",
                "SELECT count(*) FROM documents d WHERE d.status = 'active' AND NOT EXISTS (SELECT 1 FROM versions v \
                 JOIN blobs b ON b.id = v.blob_id WHERE v.document_id = d.id AND v.number = d.version \
                 AND v.sha256 = d.sha256 AND b.storage_url = d.storage_url)",
            ),
        ] {
            assert_eq!(self.number(sql).await, 0, "{what}");
        }
    }

    /// Asserts that every row has its bytes, and that all bytes have a row except for so many
    /// leftovers. A refused request may be answered before its staged bytes are removed.
    pub(super) async fn check_bytes(&self, places: &StorageRouter, leftovers: usize) {
        poll(REMOVAL, async || {
            let known = self
                .texts("SELECT storage_url FROM blobs UNION SELECT staged_url FROM versions WHERE staged_url IS NOT NULL AND body IS NULL \
                     UNION SELECT source_url FROM operations WHERE source_url IS NOT NULL \
                     UNION SELECT result_url FROM operations WHERE result_url IS NOT NULL \
                     UNION SELECT tail_url FROM uploads WHERE tail_url IS NOT NULL \
                     UNION SELECT staged_url FROM uploads WHERE status = 'complete' AND staged_url IS NOT NULL")
                .await;
            let mut kept = self.kept(places).await;
            let growing = self.texts("SELECT staged_url FROM uploads WHERE status = 'open'").await;
            // Those of uploads that are open are in a folder of their own.
            kept.retain(|file| !growing.iter().any(|url| is_unfinished(file, url)));
            let missing: Vec<_> = known.difference(&kept).collect();
            assert!(missing.is_empty(), "rows without bytes: {missing:?}");
            let orphans: Vec<_> = kept.difference(&known).collect();
            if orphans.len() <= leftovers {
                Ok(())
            } else {
                Err(format!("bytes without rows: {orphans:?}"))
            }
        })
        .await;
    }

    /// The URLs of all stored bytes.
    async fn kept(&self, places: &StorageRouter) -> BTreeSet<String> {
        let mut kept = BTreeSet::new();
        for place in places.distinct() {
            kept.extend(match place.place().scheme() {
                // As the server lists them, with what isn't an object of ours.
                "s3" => objects(place.place().as_str()).await,
                "file" => files(&place.place().to_file_path().expect("a folder")),
                _ => listed(&**place).await,
            });
        }
        kept
    }
}

async fn listed(place: &dyn Storage) -> BTreeSet<String> {
    let entries = place.list(None).await.expect("the place can be listed");
    let urls = entries.map_ok(|entry| entry.url.to_string());
    urls.try_collect().await.expect("all of it")
}

/// Whether a file is that of an upload that is open.
fn is_unfinished(file: &str, url: &str) -> bool {
    let name = url.rsplit('/').next().unwrap_or_default();
    file.rsplit_once("/.growing/")
        .is_some_and(|(_, file)| file.strip_suffix(".fence").unwrap_or(file) == name)
}

pub(super) fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return found;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.ends_with(MARKS) {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(format!("file://{}", path.display()));
        }
    }
    found
}

async fn objects(place: &str) -> BTreeSet<String> {
    let bucket = place
        .trim_start_matches("s3://")
        .split('/')
        .next()
        .unwrap_or_default();
    let mut pages = S3::shared()
        .await
        .client()
        .list_objects_v2()
        .bucket(bucket)
        .into_paginator()
        .send();
    let mut found = BTreeSet::new();
    while let Some(page) = pages.next().await {
        let page = page.expect("the bucket can be listed");
        found.extend(
            page.contents()
                .iter()
                .filter_map(|object| object.key())
                .filter(|key| !key.contains(&format!("/{MARKS}/")))
                .map(|key| format!("s3://{bucket}/{key}")),
        );
    }
    found
}
