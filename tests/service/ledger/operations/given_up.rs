//! Operations whose job is given up, in the ledger: they end in `error`, each item says so, and
//! they go on where they were if an operator has the job tried again.

use std::time::Duration;

use domain::{
    ByteSize, ErrorCode, ItemCode, ItemResult, Metadata, OperationId, OperationStatus, RunMode,
    Sha256, UserId,
};
use ledger::{
    ArchivedContent, BatchRequest, ClaimRequest, ClaimedJob, ConflictPolicy, Database, ExportEnd,
    Exported, ImportChunk, ImportEntry, ImportProgress, ItemPage, NewImport, NewImportItem,
    NewOperation, NextBatch, Outcome, Selection, Settlement, StagedContent, StagedItem, StepCheck,
    Task, VersionScope, add_import_items, begin_export, begin_import, cancel_operation,
    commit_import_chunk, create_import, create_operation, find_operation, finish_export,
    list_operation_items, next_import_batch, record_export, settle, settle_import, start_import,
};
use queue::{JobKind, Queue};
use sea_orm::ConnectionTrait;
use serde_json::Value;
use tests::ledger::{
    LEASE, NOW, active, assert_balanced, claim_at, failed, limits, passed, settle_all, user,
};
use tests::on_each_database;
use url::Url;
use uuid::Uuid;

/// Claims the one job of the bulk queue.
pub async fn claim(db: &Database, kind: JobKind) -> ClaimedJob {
    let request = ClaimRequest {
        queue: Queue::Bulk,
        worker: "w",
        limit: 2,
        lease: LEASE,
        after: UserId(Uuid::nil()),
        now: NOW.plus(Duration::from_secs(1)),
    };
    let claimed = claim_jobs(db, &request).await;
    assert_eq!((claimed.len(), claimed[0].kind), (1, kind));
    claimed.into_iter().next().unwrap()
}

async fn claim_jobs(db: &Database, request: &ClaimRequest<'_>) -> Vec<ClaimedJob> {
    ledger::claim_jobs(db, request).await.unwrap()
}

fn settlement(claimed: &ClaimedJob, outcome: Outcome) -> Settlement {
    Settlement {
        job: claimed.job,
        work: None,
        attempt: claimed.attempt,
        worker: "w".to_owned(),
        started_at: NOW,
        steps: vec![],
        outcome,
    }
}

/// Gives the job up.
async fn gives_up(db: &Database, claimed: &ClaimedJob) {
    let cause = "out of luck".to_owned();
    let dead = settlement(claimed, Outcome::Dead { cause });
    settle(db, &[dead], NOW).await.unwrap();
}

/// What an operator does.
async fn tries_again(db: &Database) {
    let again =
        "UPDATE jobs SET state = 'ready', finished_at = NULL, attempts = 0 WHERE state = 'dead'";
    db.writer().execute_unprepared(again).await.unwrap();
}

/// The status, how many items there are and how many of each result, and what each item says.
type State = (
    OperationStatus,
    [u32; 4],
    Vec<(ItemResult, Option<ItemCode>)>,
);

async fn state(db: &Database, id: OperationId) -> State {
    let operation = find_operation(db, id).await.unwrap().unwrap();
    let tally = operation.tally;
    let page = ItemPage {
        operation: id,
        result: None,
        after: None,
        limit: 100,
    };
    let items = list_operation_items(db, page).await.unwrap().into_iter();
    (
        operation.state.status(),
        [tally.total, tally.succeeded, tally.failed, tally.skipped],
        items
            .map(|item| (item.result, item.reason.map(|reason| reason.code)))
            .collect(),
    )
}

const DONE: (ItemResult, Option<ItemCode>) = (ItemResult::Succeeded, None);
const OPEN: (ItemResult, Option<ItemCode>) = (ItemResult::Pending, None);
const LEFT: (ItemResult, Option<ItemCode>) = (ItemResult::Skipped, Some(ItemCode::Interrupted));

fn content(text: &str) -> ArchivedContent {
    ArchivedContent {
        offset: 0,
        limit: 1,
        packed: 1,
        size: text.len() as u64,
        crc32: 0,
        deflated: false,
        name_crc32: 0,
        name_length: 1,
        declared_type: None,
        sha256: None,
    }
}

/// An import of files with these contents, whose directory is read.
pub async fn import(db: &Database, owner: UserId, files: &[&str]) -> OperationId {
    let new = NewImport {
        id: OperationId::new(NOW),
        owner,
        on_conflict: ConflictPolicy::Rename,
        source: Url::parse("file:///staging/archive").unwrap(),
        source_size: ByteSize::new(100),
        traceparent: None,
        at: NOW,
    };
    create_import(db, &new, &limits().operations).await.unwrap();
    reads(db, new.id, files).await;
    new.id
}

async fn reads(db: &Database, id: OperationId, files: &[&str]) {
    let claimed = claim(db, JobKind::ReadArchive).await;
    let StepCheck::Continue(import) = begin_import(db, id, claimed.job, NOW).await.unwrap() else {
        panic!("it does not begin");
    };
    let items: Vec<_> = (0..)
        .zip(files)
        .map(|(position, text)| NewImportItem {
            position,
            name: format!("{position}.txt"),
            entry: Ok(ImportEntry {
                contents: vec![content(text)],
                is_described: false,
                metadata: Value::Null,
            }),
        })
        .collect();
    let added = add_import_items(db, id, claimed.job, &items).await.unwrap();
    assert_eq!(added, StepCheck::Continue(()));
    let done = settlement(&claimed, Outcome::Done);
    let started = start_import(db, &import, &done, NOW).await.unwrap();
    assert!(matches!(started, StepCheck::Continue(_)));
}

/// Takes in the next items, at most `limit`; gives how many there were.
async fn takes_in(db: &Database, id: OperationId, files: &[&str], limit: u32) -> usize {
    let claimed = claim(db, JobKind::ImportEntries).await;
    let request = BatchRequest {
        id,
        job: claimed.job,
        items: limit,
        versions: 256,
        bytes: u64::MAX,
        limits: &limits(),
        now: NOW,
    };
    let next = next_import_batch(db, &request).await.unwrap();
    let StepCheck::Continue(NextBatch::Ready(batch)) = next else {
        panic!("it does not go on");
    };
    let items: Vec<_> = batch
        .items
        .iter()
        .map(|item| {
            let text = files[usize::try_from(item.position).unwrap()];
            let staged = Url::parse(&format!("file:///staging/{}", Uuid::new_v4())).unwrap();
            StagedItem {
                position: item.position,
                name: item.name.parse().unwrap(),
                is_described: item.entry.is_described,
                metadata: Metadata::default(),
                contents: Ok(vec![StagedContent {
                    staged,
                    size: ByteSize::new(text.len() as u64),
                    sha256: Sha256::of(text.as_bytes()),
                    declared_type: None,
                }]),
            }
        })
        .collect();
    let request = ImportChunk {
        operation: id,
        settlement: &settlement(&claimed, Outcome::Done),
        limits: &limits(),
        items: &items,
        now: NOW,
    };
    let committed = commit_import_chunk(db, &request).await.unwrap();
    assert!(matches!(committed, StepCheck::Continue(_)));
    items.len()
}

/// Settles what has become of the versions.
async fn looks(db: &Database, id: OperationId) -> ImportProgress {
    let claimed = claim(db, JobKind::SettleImport).await;
    let done = settlement(&claimed, Outcome::Done);
    match settle_import(db, id, &done, Duration::ZERO, NOW)
        .await
        .unwrap()
    {
        StepCheck::Continue(progress) => progress,
        other => panic!("{other:?}"),
    }
}

/// Processes one version.
async fn processes_one(db: &Database) {
    let claimed = claim_at(db, 1, NOW).await;
    let settlement = tests::ledger::settlement(db, &claimed[0], passed("one")).await;
    settle(db, &[settlement], NOW).await.unwrap();
}

#[on_each_database]
async fn an_import_tells_of_each_item_and_goes_on(db: &Database) {
    let owner = user(db, "alice").await;
    let files = ["one", "two", "three", "four"];
    let id = import(db, owner, &files).await;
    assert_eq!(takes_in(db, id, &files, 2).await, 2);
    processes_one(db).await;
    let claimed = claim(db, JobKind::ImportEntries).await;
    gives_up(db, &claimed).await;
    let (status, counts, items) = state(db, id).await;
    assert_eq!((status, counts), (OperationStatus::Error, [4, 1, 1, 2]));
    let mut taken = items[..2].to_vec();
    taken.sort_by_key(|(result, _)| result.as_str());
    assert_eq!(
        taken,
        [(ItemResult::Failed, Some(ItemCode::Interrupted)), DONE]
    );
    assert_eq!(items[2..], [LEFT, LEFT]);
    assert!(cancel_operation(db, id, owner).await.is_err());

    tries_again(db).await;
    assert_eq!(takes_in(db, id, &files, 10).await, 2);
    let (status, counts, _) = state(db, id).await;
    assert_eq!((status, counts), (OperationStatus::Running, [4, 1, 0, 0]));
    assert_eq!(takes_in(db, id, &files, 10).await, 0);
    settle_all(db, NOW, passed).await;
    assert!(matches!(
        looks(db, id).await,
        ImportProgress::Ended(Some(_))
    ));
    assert_eq!(
        state(db, id).await,
        (OperationStatus::Completed, [4, 4, 0, 0], vec![DONE; 4])
    );
    assert_balanced(db).await;
}

#[on_each_database]
async fn a_job_that_is_given_up_again_is_told_of_again(db: &Database) {
    let owner = user(db, "alice").await;
    let files = ["one", "two"];
    let id = import(db, owner, &files).await;
    let claimed = claim(db, JobKind::ImportEntries).await;
    gives_up(db, &claimed).await;
    assert_eq!(
        state(db, id).await,
        (OperationStatus::Error, [2, 0, 0, 2], vec![LEFT; 2])
    );
    // Each death is told of, and a look that dies as well leaves nothing behind.
    tries_again(db).await;
    let claimed = claim(db, JobKind::ImportEntries).await;
    gives_up(db, &claimed).await;
    assert_eq!(
        state(db, id).await,
        (OperationStatus::Error, [2, 0, 0, 2], vec![LEFT; 2])
    );
    tries_again(db).await;
    assert_eq!(takes_in(db, id, &files, 10).await, 2);
    assert_eq!(takes_in(db, id, &files, 10).await, 0);
    let claimed = claim(db, JobKind::SettleImport).await;
    gives_up(db, &claimed).await;
    let told = (ItemResult::Failed, Some(ItemCode::Interrupted));
    assert_eq!(
        state(db, id).await,
        (OperationStatus::Error, [2, 0, 2, 0], vec![told; 2])
    );
    settle_all(db, NOW, |_| failed(ErrorCode::TypeNotAllowed)).await;
    tries_again(db).await;
    // The first look takes back what was told, the next one sees what became of the versions.
    looks(db, id).await;
    looks(db, id).await;
    let refused = (ItemResult::Failed, Some(ItemCode::TypeNotAllowed));
    assert_eq!(
        state(db, id).await,
        (OperationStatus::Completed, [2, 0, 2, 0], vec![refused; 2])
    );
    assert_balanced(db).await;
}

#[on_each_database]
async fn a_cancel_after_the_last_entry_comes_too_late(db: &Database) {
    let owner = user(db, "alice").await;
    let files = ["one", "two"];
    let late = import(db, owner, &files).await;
    assert_eq!(takes_in(db, late, &files, 10).await, 2);
    assert_eq!(takes_in(db, late, &files, 10).await, 0);
    cancel_operation(db, late, owner).await.unwrap();
    settle_all(db, NOW, passed).await;
    looks(db, late).await;
    assert_eq!(
        state(db, late).await,
        (OperationStatus::Completed, [2, 2, 0, 0], vec![DONE; 2])
    );

    let early = import(db, owner, &files).await;
    assert_eq!(takes_in(db, early, &files, 1).await, 1);
    cancel_operation(db, early, owner).await.unwrap();
    assert_eq!(takes_in(db, early, &files, 10).await, 0);
    settle_all(db, NOW, passed).await;
    looks(db, early).await;
    let left = (ItemResult::Skipped, Some(ItemCode::Cancelled));
    assert_eq!(
        state(db, early).await,
        (OperationStatus::Cancelled, [2, 1, 0, 1], vec![DONE, left])
    );
    assert_balanced(db).await;
}

#[on_each_database]
async fn an_export_without_an_archive_has_exported_nothing(db: &Database) {
    let owner = user(db, "alice").await;
    let documents = vec![
        active(db, owner, "one").await,
        active(db, owner, "two").await,
    ];
    let id = OperationId::new(NOW);
    let new = NewOperation {
        id,
        owner,
        task: Task::Export(VersionScope::Current),
        selection: Selection::Ids(documents),
        mode: RunMode::Real,
        traceparent: None,
        at: NOW,
    };
    create_operation(db, &new, &limits().operations)
        .await
        .unwrap();
    let claimed = claim(db, JobKind::Export).await;
    writes_one(db, id, &claimed).await;
    gives_up(db, &claimed).await;
    assert_eq!(
        state(db, id).await,
        (OperationStatus::Error, [2, 0, 0, 2], vec![LEFT; 2])
    );

    tries_again(db).await;
    let claimed = claim(db, JobKind::Export).await;
    writes_one(db, id, &claimed).await;
    let (status, counts, _) = state(db, id).await;
    assert_eq!((status, counts), (OperationStatus::Running, [2, 1, 0, 0]));
    cancel_operation(db, id, owner).await.unwrap();
    let done = settlement(&claimed, Outcome::Done);
    let ended = finish_export(db, id, &done, &ExportEnd::Cancelled, NOW)
        .await
        .unwrap();
    assert_eq!(ended, StepCheck::Continue(()));
    let left = (ItemResult::Skipped, Some(ItemCode::Cancelled));
    assert_eq!(
        state(db, id).await,
        (OperationStatus::Cancelled, [2, 0, 0, 2], vec![left; 2])
    );
}

/// Begins an export, and writes its first item.
async fn writes_one(db: &Database, id: OperationId, claimed: &ClaimedJob) {
    let begun = begin_export(db, id, claimed.job, NOW).await.unwrap();
    assert!(matches!(begun, StepCheck::Continue(_)));
    let exported = [Exported {
        position: 0,
        failure: None,
    }];
    let recorded = record_export(db, id, claimed.job, &exported).await.unwrap();
    assert_eq!(recorded, StepCheck::Continue(()));
    assert_eq!(state(db, id).await.2, [DONE, OPEN]);
}
