//! How these tests ask for operations, run their chunks and look at their items.

use domain::{
    ByteSize, DocumentId, ItemCode, ItemResult, Limits, OperationId, OperationItem,
    OperationStatus, RunMode, Timestamp, UserId,
};
use ledger::{
    Chunk, ChunkRequest, ClaimRequest, ClaimedJob, Database, ItemPage, NewOperation, NewUndo,
    Outcome, Selection, Settlement, Target, Task, UserChanges, change_user, claim_jobs,
    create_operation, find_operation, list_operation_items, run_chunk,
};
use queue::{JobKind, Queue};
use tests::ledger::{LEASE, NOW, limits, user};
use uuid::Uuid;

/// Room for everything here.
pub fn roomy() -> Limits {
    Limits {
        default_quota_documents: 100_000,
        default_quota_bytes: ByteSize::gibibytes(1),
        ..limits()
    }
}

pub async fn ask(db: &Database, owner: UserId, task: Task, selection: Selection) -> OperationId {
    ask_as(db, owner, task, selection, RunMode::Real).await
}

pub async fn ask_as(
    db: &Database,
    owner: UserId,
    task: Task,
    selection: Selection,
    mode: RunMode,
) -> OperationId {
    let id = OperationId::new(NOW);
    let traceparent = None;
    let new = NewOperation {
        id,
        owner,
        task,
        selection,
        mode,
        traceparent,
        at: NOW,
    };
    create_operation(db, &new, &limits().operations)
        .await
        .unwrap();
    id
}

pub fn undo_of(undoes: OperationId, owner: UserId) -> NewUndo {
    NewUndo {
        id: OperationId::new(NOW),
        undoes,
        owner,
        at: NOW,
    }
}

/// Somebody with room for everything here.
pub async fn roomy_user(db: &Database, name: &str) -> UserId {
    let owner = user(db, name).await;
    let changes = UserChanges {
        quota_bytes: Some(Some(roomy().default_quota_bytes)),
        quota_documents: Some(Some(roomy().default_quota_documents)),
        ..UserChanges::default()
    };
    change_user(db, owner, &changes, NOW).await.unwrap();
    owner
}

/// Claims jobs of the bulk queue in rounds that begin behind `after`.
pub async fn claim(db: &Database, limit: usize, after: UserId, now: Timestamp) -> Vec<ClaimedJob> {
    let request = ClaimRequest {
        queue: Queue::Bulk,
        worker: "w",
        limit,
        lease: LEASE,
        after,
        now,
    };
    claim_jobs(db, &request).await.unwrap()
}

pub fn settlement(claimed: &ClaimedJob, outcome: Outcome) -> Settlement {
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

pub async fn deal_with(db: &Database, claimed: &ClaimedJob, limits: &Limits) -> Chunk {
    assert_eq!(claimed.kind, JobKind::RunOperation);
    let request = ChunkRequest {
        operation: OperationId(claimed.subject.unwrap()),
        settlement: &settlement(claimed, Outcome::Done),
        limits,
        now: NOW,
    };
    run_chunk(db, &request, |staged| vec![staged.to_owned()])
        .await
        .unwrap()
}

/// Deals with one chunk of whoever's turn it is; `false` if there is none.
pub async fn step(db: &Database, limits: &Limits) -> bool {
    let claimed = claim(db, 1, UserId(Uuid::nil()), NOW).await;
    let Some(claimed) = claimed.first() else {
        return false;
    };
    assert!(matches!(
        deal_with(db, claimed, limits).await,
        Chunk::Committed(_)
    ));
    true
}

/// Deals with chunks until none is left, and says how many it were.
pub async fn run_dry(db: &Database, limits: &Limits) -> usize {
    let mut chunks = 0;
    while step(db, limits).await {
        chunks += 1;
    }
    chunks
}

pub async fn status(db: &Database, id: OperationId) -> (OperationStatus, [u32; 4]) {
    let operation = find_operation(db, id).await.unwrap().unwrap();
    let tally = operation.tally;
    let counts = [tally.total, tally.succeeded, tally.failed, tally.skipped];
    (operation.state.status(), counts)
}

pub async fn items(db: &Database, operation: OperationId) -> Vec<OperationItem> {
    let page = ItemPage {
        operation,
        result: None,
        after: None,
        limit: 200_000,
    };
    list_operation_items(db, page).await.unwrap()
}

pub async fn codes(db: &Database, operation: OperationId) -> Vec<(ItemResult, Option<ItemCode>)> {
    let items = items(db, operation).await.into_iter();
    items
        .map(|item| (item.result, item.reason.map(|reason| reason.code)))
        .collect()
}

pub fn target(document: DocumentId, owner: UserId) -> Target {
    Target {
        document,
        owner,
        precondition: ledger::Precondition::None,
    }
}
