//! The cleanup on each database: what goes, what stays, and what its owner gets back.

use std::num::NonZeroU32;
use std::time::Duration;

use domain::{
    AuditKind, ByteSize, DocumentId, ErrorCode, JobId, Sha256, Status, Timestamp, UserId, VersionId,
};
use ledger::{
    AuditFilter, AuditPage, ChangeError, Database, FinishedBefore, NewContent, Outcome,
    Precondition, PruneRequest, Target, add_version, archive_document, expire_failed,
    find_document, forget_finished_jobs, list_audit_log, list_versions, prune_versions,
    purge_archived, retry_document,
};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tests::ledger::{
    NOW, accepted, active, arrival, assert_balanced, count, counters, failed, limits, passed,
    settle_all, user,
};
use tests::on_each_database;
use url::Url;
use uuid::Uuid;

const DAY: Duration = Duration::from_hours(24);

/// Where staged bytes may lie: where they were staged, and a place of the same name in the store.
fn traces(staged: &str) -> Vec<String> {
    vec![staged.to_owned(), staged.replace("staging", "store")]
}

fn target(document: DocumentId, owner: UserId) -> Target {
    Target {
        document,
        owner,
        precondition: Precondition::None,
    }
}

/// The one line of the security log that tells of a kind and an owner, by the service itself.
async fn told(db: &Database, kind: AuditKind, owner: UserId) -> Value {
    let filter = AuditFilter {
        kind: Some(kind),
        actor: Some("service".to_owned()),
        subject: Some(owner.to_string()),
        ..AuditFilter::default()
    };
    let page = AuditPage {
        below: None,
        limit: 10,
    };
    let found = list_audit_log(db, &filter, page).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].detail.clone()
}

/// Uploads `content` as a new version, and settles it.
async fn version(db: &Database, target: &Target, content: &str, ends: fn(&str) -> Outcome) {
    pending_version(db, target, content).await;
    settle_all(db, NOW, ends).await;
}

async fn pending_version(db: &Database, target: &Target, content: &str) {
    let version = VersionId::new(NOW);
    let content = NewContent {
        version,
        job: JobId::new(NOW),
        declared_type: None,
        staged: Url::parse(&format!("file:///staging/{version}")).unwrap(),
        body: None,
        size: ByteSize::new(content.len() as u64),
        sha256: Sha256::of(content.as_bytes()),
        traceparent: None,
        at: NOW,
    };
    add_version(db, target, &content, &limits()).await.unwrap();
}

fn spoiled(_: &str) -> Outcome {
    failed(ErrorCode::TypeNotAllowed)
}

/// The numbers of a document's versions, oldest first.
async fn numbers(db: &Database, document: DocumentId) -> Vec<u32> {
    let versions = list_versions(db, document, None, 100).await.unwrap();
    versions
        .iter()
        .rev()
        .map(|version| version.number)
        .collect()
}

/// Prunes batch by batch until nothing is left, and says how many versions went.
async fn prune(db: &Database, keep: u32, limit: u32) -> usize {
    let (mut from, mut versions) = (Some(DocumentId(Uuid::nil())), 0);
    while let Some(document) = from {
        let request = PruneRequest {
            keep: NonZeroU32::new(keep).unwrap(),
            from: document,
            limit,
        };
        let pruned = prune_versions(db, request, NOW, traces).await.unwrap();
        (from, versions) = (pruned.next, versions + pruned.versions);
    }
    versions
}

#[on_each_database]
async fn a_failed_version_lets_go_of_its_bytes_in_time(db: &Database) {
    let owner = user(db, "alice").await;
    let document = accepted(db, arrival(owner, "spoiled", NOW)).await;
    settle_all(db, NOW, spoiled).await;
    let later = NOW.plus(DAY);
    assert_eq!(expire_failed(db, NOW, 10, later, traces).await.unwrap(), 0);
    let over = NOW.plus(Duration::from_micros(1));
    assert_eq!(expire_failed(db, over, 10, later, traces).await.unwrap(), 1);
    assert_eq!(expire_failed(db, over, 10, later, traces).await.unwrap(), 0);
    assert_eq!(count(db, "SELECT count(*) FROM discards").await, 2);
    let retried = retry_document(db, &target(document, owner), &limits(), later).await;
    assert!(
        matches!(retried, Err(ChangeError::NotRetryable)),
        "{retried:?}"
    );
    let document = find_document(db, document).await.unwrap().unwrap();
    let failure = document.lifecycle.failure().unwrap();
    assert_eq!(failure.code, ErrorCode::TypeNotAllowed);
    assert_balanced(db).await;
}

#[on_each_database]
async fn of_a_retry_and_the_cleanup_one_finds_what_the_other_did(db: &Database) {
    let owner = user(db, "alice").await;
    let mut documents = Vec::new();
    for index in 0..40 {
        documents.push(accepted(db, arrival(owner, &format!("{index}"), NOW)).await);
    }
    settle_all(db, NOW, spoiled).await;
    let over = NOW.plus(DAY);
    let limits = limits();
    let retries =
        futures::future::join_all(documents.iter().map(async |document| {
            retry_document(db, &target(*document, owner), &limits, over).await
        }));
    let cleanup = async {
        let mut expired = 0;
        loop {
            match expire_failed(db, over, 3, over, traces).await.unwrap() {
                0 => return expired,
                more => expired += more,
            }
        }
    };
    let (retries, expired) = tokio::join!(retries, cleanup);
    let mut attempts = 0;
    for (document, retry) in documents.iter().zip(retries) {
        let now = find_document(db, *document).await.unwrap().unwrap();
        match retry {
            Ok(_) => {
                attempts += 1;
                assert_eq!(now.lifecycle.status(), Status::Pending);
            }
            Err(ChangeError::NotRetryable) => assert_eq!(now.lifecycle.status(), Status::Error),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(attempts + expired, 40);
    assert_balanced(db).await;
    // What was retried has its bytes still, and goes through.
    settle_all(db, over, passed).await;
    assert_balanced(db).await;
}

#[on_each_database]
async fn archived_documents_go_when_their_time_is_over(db: &Database) {
    let (alice, bob) = (user(db, "alice").await, user(db, "bob").await);
    let old = active(db, alice, "shared content").await;
    let young = active(db, alice, "shared content").await;
    let kept = active(db, bob, "shared content").await;
    let alone = active(db, bob, "bob's alone").await;
    version(db, &target(alone, bob), "a second version", passed).await;
    for (document, owner, at) in [
        (old, alice, NOW),
        (young, alice, NOW.plus(DAY)),
        (alone, bob, NOW),
    ] {
        archive_document(db, &target(document, owner), at)
            .await
            .unwrap();
    }
    let purge = async |before: Timestamp| purge_archived(db, before, 1, NOW, traces).await.unwrap();
    assert_eq!(purge(NOW).await, 0);
    // In batches of one.
    assert_eq!(purge(NOW.plus(DAY)).await, 1);
    assert_eq!(purge(NOW.plus(DAY)).await, 1);
    assert_eq!(purge(NOW.plus(DAY)).await, 0);
    for (document, there) in [(old, false), (alone, false), (young, true), (kept, true)] {
        assert_eq!(find_document(db, document).await.unwrap().is_some(), there);
    }
    assert_eq!(counters(db, alice).await, (14, 0, 1));
    assert_eq!(counters(db, bob).await, (14, 0, 1));
    // The bytes of bob's two versions; the shared content is needed still.
    assert_eq!(count(db, "SELECT count(*) FROM discards").await, 2);
    assert_balanced(db).await;
    // Each owner has a line, which counts all that was deleted in that minute.
    for (owner, document) in [(alice, old), (bob, alone)] {
        let line = told(db, AuditKind::DocumentsPurged, owner).await;
        assert_eq!(line, json!({"document_ids": [document], "count": 1}));
    }
    archive_document(db, &target(kept, bob), NOW).await.unwrap();
    assert_eq!(purge(NOW.plus(DAY)).await, 1);
    let line = told(db, AuditKind::DocumentsPurged, bob).await;
    assert_eq!(
        (
            &line["count"],
            line["document_ids"].as_array().unwrap().len()
        ),
        (&json!(2), 2)
    );
}

#[on_each_database]
async fn pruning_keeps_the_newest_active_versions(db: &Database) {
    let owner = user(db, "alice").await;
    let document = active(db, owner, "one").await;
    let at = target(document, owner);
    version(db, &at, "two!", passed).await;
    version(db, &at, "three", spoiled).await;
    version(db, &at, "four", passed).await;
    version(db, &at, "five", spoiled).await;
    pending_version(db, &at, "sixsix").await;
    assert_eq!(prune(db, 3, 10).await, 0);
    // The failed third is newer than the second newest active one, the second.
    assert_eq!(prune(db, 2, 10).await, 1);
    let line = told(db, AuditKind::VersionsPruned, owner).await;
    assert_eq!(line, json!({"document_ids": [document], "count": 1}));
    assert_eq!(numbers(db, document).await, [2, 3, 4, 5, 6]);
    assert_eq!(counters(db, owner).await, (8, 6, 1));
    assert_eq!(prune(db, 1, 1).await, 2);
    assert_eq!(numbers(db, document).await, [4, 5, 6]);
    assert_eq!(counters(db, owner).await, (4, 6, 1));
    assert_balanced(db).await;
    settle_all(db, NOW, passed).await;
    assert_eq!(prune(db, 1, 1).await, 2);
    assert_eq!(numbers(db, document).await, [6]);
    assert_balanced(db).await;
    let told = "SELECT count(*) FROM events WHERE kind = 'version_deleted'";
    assert_eq!(count(db, told).await, 5);
}

#[on_each_database]
async fn many_documents_are_pruned_in_batches_and_shared_content_stays(db: &Database) {
    let owner = user(db, "alice").await;
    let mut documents = Vec::new();
    for index in 0..5 {
        let document = active(db, owner, "the same").await;
        for number in 0..4 {
            version(
                db,
                &target(document, owner),
                &format!("{index} {number}"),
                passed,
            )
            .await;
        }
        documents.push(document);
    }
    let unchanged = active(db, owner, "the same").await;
    assert_eq!(prune(db, 2, 3).await, 15);
    for document in documents {
        assert_eq!(numbers(db, document).await, [4, 5]);
    }
    assert_eq!(numbers(db, unchanged).await, [1]);
    // The same content is still what one document shows.
    assert_eq!(count(db, "SELECT count(*) FROM blobs").await, 11);
    assert_balanced(db).await;
}

#[on_each_database]
async fn finished_jobs_are_forgotten_each_in_its_time(db: &Database) {
    let owner = user(db, "alice").await;
    active(db, owner, "done").await;
    accepted(db, arrival(owner, "ready", NOW)).await;
    for (state, key, worker, finished) in [
        ("done", "'keyed'", "NULL", "10"),
        ("dead", "NULL", "NULL", "10"),
        ("running", "NULL", "'w'", "NULL"),
    ] {
        let sql = format!(
            "INSERT INTO jobs (id, queue, kind, owner_id, dedupe_key, state, max_attempts, run_at, worker, created_at, finished_at) \
                 SELECT {}, 'bulk', 'x', id, {key}, '{state}', 1, 0, {worker}, 0, {finished} FROM users",
            new_id(db),
        );
        db.writer().execute_unprepared(&sql).await.unwrap();
    }
    let left = async |done, keyed, dead| {
        let at = Timestamp::from_micros;
        let before = FinishedBefore {
            done: at(done),
            keyed: at(keyed),
            dead: at(dead),
        };
        while forget_finished_jobs(db, before, 1).await.unwrap() > 0 {}
        count(db, "SELECT count(*) FROM jobs").await
    };
    assert_eq!(left(10, 10, 10).await, 5);
    assert_eq!(left(i64::MAX, 10, 10).await, 4);
    assert_eq!(left(i64::MAX, 11, 10).await, 3);
    assert_eq!(left(i64::MAX, 11, 11).await, 2);
    assert_eq!(left(i64::MAX, i64::MAX, i64::MAX).await, 2);
}

/// SQL that makes an id.
fn new_id(db: &Database) -> &'static str {
    match db.reader().get_database_backend() {
        sea_orm::DbBackend::Postgres => "gen_random_uuid()",
        _ => "randomblob(16)",
    }
}
