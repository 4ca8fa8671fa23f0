//! The ledger for tests: users, uploads, claims, outcomes, and invariants.

#![expect(
    clippy::unwrap_used,
    reason = "what these words say is so, or the test fails"
)]

use std::time::Duration;

use domain::{
    Allowances, BlobId, ByteSize, DocumentId, ErrorCode, ImportLimits, JobId, Limits, Metadata,
    OperationLimits, RowLimits, Sha256, Timestamp, TypeMismatch, TypePolicy, UploadLimits, User,
    UserId, VersionId, Visibility,
};
use ledger::{
    Activation, Arrival, BlobOrigin, ClaimRequest, ClaimedJob, Database, Outcome, Settled,
    Settlement, accept, add_user, claim_jobs, load_pending, settle,
};
use queue::Queue;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};
use url::Url;
use uuid::Uuid;

/// The current time.
pub const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
/// The lease of a claim.
pub const LEASE: Duration = Duration::from_mins(1);

/// A quota of 1,000 bytes and 100 documents, and any media type.
#[must_use]
pub fn limits() -> Limits {
    Limits {
        max_document: ByteSize::gibibytes(1),
        inline: ByteSize::new(64 << 10),
        default_quota_bytes: ByteSize::new(1_000),
        default_quota_documents: 100,
        types: TypePolicy {
            allowed: vec!["*/*".parse().unwrap()],
            blocked: vec![],
        },
        type_mismatch: TypeMismatch::Record,
        imports: ImportLimits::default(),
        operations: OperationLimits::default(),
        uploads: UploadLimits::default(),
        allowances: Allowances::default(),
        rows: RowLimits::default(),
    }
}

/// An ordinary user.
pub async fn user(db: &Database, name: &str) -> UserId {
    let id = UserId::new(NOW);
    let user = User {
        id,
        ..User::new(name.parse().unwrap(), NOW)
    };
    add_user(db, &user).await.unwrap();
    id
}

/// A staged upload of `content`.
#[must_use]
pub fn arrival(owner: UserId, content: &str, at: Timestamp) -> Arrival {
    let document = DocumentId::new(at);
    Arrival {
        document,
        version: VersionId::new(at),
        job: JobId::new(at),
        owner,
        name: "report.pdf".parse().unwrap(),
        visibility: Visibility::Private { unique_name: None },
        metadata: Metadata::default(),
        declared_type: Some("application/pdf".parse().unwrap()),
        staged: Url::parse(&format!("file:///staging/{document}")).unwrap(),
        body: None,
        size: ByteSize::new(content.len() as u64),
        sha256: Sha256::of(content.as_bytes()),
        traceparent: None,
        at,
        receipt: None,
    }
}

/// Claims jobs that process versions.
pub async fn claim_at(db: &Database, limit: usize, now: Timestamp) -> Vec<ClaimedJob> {
    let after = UserId(Uuid::nil());
    let request = ClaimRequest {
        queue: Queue::Ingest,
        worker: "w",
        limit,
        lease: LEASE,
        after,
        now,
    };
    claim_jobs(db, &request).await.unwrap()
}

/// The settlement of a claimed job.
pub async fn settlement(db: &Database, claimed: &ClaimedJob, outcome: Outcome) -> Settlement {
    let version = VersionId(claimed.subject.unwrap());
    Settlement {
        job: claimed.job,
        work: load_pending(db, &[version], &limits()).await.unwrap().pop(),
        attempt: claimed.attempt,
        worker: "w".to_owned(),
        started_at: NOW,
        steps: vec![],
        outcome,
    }
}

/// The version passed, and its bytes were written to `location`.
#[must_use]
pub fn stored(location: &str) -> Outcome {
    activated(location, BlobOrigin::Stored)
}

/// The version passed, and its bytes were found at `location`.
#[must_use]
pub fn activated(location: &str, origin: BlobOrigin) -> Outcome {
    Outcome::Activated(Activation {
        media_type: "application/pdf".parse().unwrap(),
        type_mismatch: false,
        blob: BlobId::new(NOW),
        location: Url::parse(location).unwrap(),
        origin,
        leftovers: vec![],
    })
}

/// The version failed.
#[must_use]
pub fn failed(code: ErrorCode) -> Outcome {
    Outcome::Failed {
        failure: code.into(),
        gave_up: None,
        leftovers: vec![],
    }
}

/// Runs a query.
pub async fn rows(db: &Database, sql: &str, values: Vec<Value>) -> Vec<QueryResult> {
    let reader = db.reader();
    let statement = Statement::from_sql_and_values(reader.get_database_backend(), sql, values);
    reader.query_all_raw(statement).await.unwrap()
}

/// Returns the number that `sql` selects.
pub async fn count(db: &Database, sql: &str) -> i64 {
    rows(db, sql, vec![]).await[0].try_get_by_index(0).unwrap()
}

/// Used bytes, reserved bytes, documents.
pub async fn counters(db: &Database, owner: UserId) -> (i64, i64, i64) {
    let sql = "SELECT used_bytes, reserved_bytes, used_documents FROM users WHERE id = $1";
    let row = rows(db, sql, vec![owner.0.into()]).await.remove(0);
    let column = |index| row.try_get_by_index(index).unwrap();
    (column(0), column(1), column(2))
}

/// Accepts an upload.
pub async fn accepted(db: &Database, arrival: Arrival) -> DocumentId {
    let document = arrival.document;
    assert_eq!(accept(db, &limits(), &[arrival]).await.unwrap(), [Ok(())]);
    document
}

/// Claims every due job that processes a version and settles it with `outcome` of its content.
pub async fn settle_all(db: &Database, now: Timestamp, outcome: impl Fn(&str) -> Outcome) {
    for claimed in claim_at(db, 1_000, now).await {
        let mut settlement = settlement(db, &claimed, Outcome::Done).await;
        let work = settlement.work.as_ref();
        if let Some(upload) = work.and_then(|work| work.upload.as_ref()) {
            settlement.outcome = outcome(&upload.sha256.to_string());
        }
        let answers = settle(db, &[settlement], now).await.unwrap();
        assert!(matches!(answers[..], [Settled::Committed { .. }]));
    }
}

/// The version passed, and its bytes were written to a URL derived from their content.
#[must_use]
pub fn passed(sha256: &str) -> Outcome {
    stored(&format!("file:///store/{sha256}"))
}

/// An active upload of `content`.
pub async fn active(db: &Database, owner: UserId, content: &str) -> DocumentId {
    let document = accepted(db, arrival(owner, content, NOW)).await;
    settle_all(db, NOW, passed).await;
    document
}

/// Copies of an active document with the same content, which differ only in their ids and their
/// age; the oldest comes first.
pub async fn copies(db: &Database, document: DocumentId, count: usize) -> Vec<DocumentId> {
    let found = rows(
        db,
        "SELECT * FROM documents WHERE id = $1",
        vec![document.0.into()],
    )
    .await;
    let created: i64 = found[0].try_get("", "created_at").unwrap();
    let copies = (1..=i64::try_from(count).unwrap()).map(|age| {
        let at = Timestamp::from_micros(created + age);
        (DocumentId::new(at), VersionId::new(at), at.as_micros())
    });
    let copies: Vec<_> = copies.collect();
    let backend = db.writer().get_database_backend();
    let values = |x: &str| match backend {
        DbBackend::Postgres => {
            format!("json_to_recordset($1::json) AS {x} (document uuid, version uuid, at bigint)")
        }
        _ => format!(
            "(SELECT unhex(value ->> 'document', '-') AS document, unhex(value ->> 'version', '-') AS version, \
             value ->> 'at' AS at FROM json_each($1)) AS {x}"
        ),
    };
    let list = values("x");
    let statements = [
        format!(
            "INSERT INTO documents (id, owner_id, name, name_folded, unique_name, is_public, metadata, status, \
             declared_type, mime_type, type_mismatch, size_bytes, sha256, version, latest_version, storage_url, \
             revision, created_at, updated_at) \
             SELECT x.document, owner_id, name, name_folded, NULL, false, metadata, status, declared_type, \
             mime_type, type_mismatch, size_bytes, sha256, version, latest_version, storage_url, revision, \
             x.at, x.at FROM documents, {} WHERE documents.id = $2",
            list.replace("version uuid", "copied uuid").replace("'-') AS version", "'-') AS copied"),
        ),
        format!(
            "INSERT INTO versions (id, document_id, owner_id, number, status, name, declared_type, mime_type, \
             type_mismatch, size_bytes, sha256, blob_id, created_at, settled_at) \
             SELECT x.version, x.document, owner_id, number, status, name, declared_type, mime_type, type_mismatch, \
             size_bytes, sha256, blob_id, x.at, x.at FROM versions, {list} WHERE versions.document_id = $2"
        ),
        "UPDATE blobs SET refs = (SELECT count(*) FROM versions WHERE blob_id = blobs.id)".to_owned(),
        "UPDATE users SET used_bytes = (SELECT COALESCE(sum(size_bytes), 0) FROM versions \
         WHERE owner_id = users.id AND status = 'active'), \
         used_documents = (SELECT count(*) FROM documents WHERE owner_id = users.id AND status <> 'error')"
            .to_owned(),
    ];
    let transaction = db.begin().await.unwrap();
    for sql in statements {
        let json: Vec<_> = copies
            .iter()
            .map(|(document, version, at)| serde_json::json!({"document": document, "version": version, "at": at}))
            .collect();
        let json = serde_json::to_string(&json).unwrap();
        let values = if sql.contains("$2") {
            vec![json.into(), document.0.into()]
        } else {
            vec![]
        };
        let statement = Statement::from_sql_and_values(backend, sql, values);
        transaction.execute_raw(statement).await.unwrap();
    }
    transaction.commit().await.unwrap();
    copies
        .into_iter()
        .map(|(document, _, _)| document)
        .collect()
}

/// Asserts that every counter equals the sum of the rows it counts, and that no row is left over.
pub async fn assert_balanced(db: &Database) {
    let checks = [
        (
            "users",
            "SELECT count(*) FROM users WHERE \
             used_bytes <> (SELECT COALESCE(sum(size_bytes), 0) FROM versions WHERE owner_id = users.id AND status = 'active') OR \
             reserved_bytes <> (SELECT COALESCE(sum(size_bytes), 0) FROM versions WHERE owner_id = users.id AND status = 'pending') \
             + (SELECT COALESCE(sum(held_bytes), 0) FROM operations WHERE owner_id = users.id AND action = 'import') OR \
             used_documents <> (SELECT count(*) FROM documents WHERE owner_id = users.id AND status <> 'error')",
        ),
        (
            "users' staging, results and failures",
            "SELECT count(*) FROM users WHERE failed_versions <> (SELECT count(*) FROM versions WHERE owner_id = users.id AND status = 'error') OR \
             staging_bytes <> (SELECT COALESCE(sum(size_bytes), 0) FROM versions WHERE owner_id = users.id AND status = 'error' AND staged_url IS NOT NULL) \
             + (SELECT COALESCE(sum(source_size), 0) FROM operations WHERE owner_id = users.id AND source_url IS NOT NULL) OR \
             result_bytes <> (SELECT COALESCE(sum(COALESCE(result_size, 0) + held_bytes), 0) FROM operations WHERE owner_id = users.id AND action = 'export')",
        ),
        (
            "what users are charged for bytes to be removed",
            "SELECT count(*) FROM users WHERE discarded_bytes <> \
             (SELECT COALESCE(sum(charged_bytes), 0) FROM discards WHERE owner_id = users.id)",
        ),
        (
            "blobs",
            "SELECT count(*) FROM blobs WHERE refs = 0 OR refs <> (SELECT count(*) FROM versions WHERE blob_id = blobs.id)",
        ),
        (
            "discards of bytes that are needed",
            "SELECT count(*) FROM discards WHERE url IN (SELECT storage_url FROM blobs) \
             OR url IN (SELECT staged_url FROM versions WHERE status <> 'error')",
        ),
        (
            "documents that differ from their current version",
            "SELECT count(*) FROM documents d JOIN versions v ON v.document_id = d.id AND v.number = d.version \
             LEFT JOIN blobs b ON b.id = v.blob_id WHERE v.status <> 'active' OR v.size_bytes <> d.size_bytes \
             OR v.sha256 <> d.sha256 OR v.mime_type <> d.mime_type OR b.storage_url <> d.storage_url",
        ),
        (
            "documents without their current version",
            "SELECT count(*) FROM documents d WHERE d.version IS NOT NULL AND NOT EXISTS \
             (SELECT 1 FROM versions v WHERE v.document_id = d.id AND v.number = d.version)",
        ),
        (
            "pending versions without a job",
            "SELECT count(*) FROM versions v WHERE v.status = 'pending' AND NOT EXISTS \
             (SELECT 1 FROM jobs j WHERE j.subject_id = v.id AND j.state IN ('ready', 'running'))",
        ),
    ];
    for (what, sql) in checks {
        assert_eq!(count(db, sql).await, 0, "{what}");
    }
}
