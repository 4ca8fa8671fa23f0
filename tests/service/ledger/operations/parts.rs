//! Operations with very many items: written in parts, none of which holds others up, and nothing
//! to anybody until they are whole.

use std::time::Duration;

use domain::{DocumentId, Operation, OperationId, OperationLimits, RunMode, UserId};
use ledger::{
    CreateOperationError, Database, DocumentFilter, NewOperation, NewUndo, OperationPage,
    Selection, Task, create_operation, find_operation, list_operations, remove_expired_operation,
    undo_operation,
};
use sea_orm::{ConnectionTrait, DbBackend};
use tests::ledger::{NOW, active, copies, count, user};
use tests::on_each_database;

/// Items that one transaction writes.
const PART: i64 = 2_000;

async fn asks(
    db: &Database,
    owner: UserId,
    selection: Selection,
) -> Result<OperationId, CreateOperationError> {
    let new = NewOperation {
        id: OperationId::new(NOW),
        owner,
        task: Task::Archive,
        selection,
        mode: RunMode::Real,
        traceparent: None,
        at: NOW,
    };
    let (operation, _) = create_operation(db, &new, &OperationLimits::default()).await?;
    assert_eq!(
        operation,
        find_operation(db, new.id).await.unwrap().unwrap()
    );
    Ok(new.id)
}

/// Each position up to `total` has its item, and no transaction wrote more than a part of them.
async fn is_whole(db: &Database, id: OperationId, total: i64) {
    let operation = find_operation(db, id).await.unwrap().unwrap();
    assert_eq!(i64::from(operation.tally.total), total);
    let of = match db.writer().get_database_backend() {
        DbBackend::Postgres => format!("operation_id = '{id}'"),
        _ => format!("operation_id = unhex('{id}', '-')"),
    };
    let items = format!("FROM operation_items WHERE {of}");
    assert_eq!(count(db, &format!("SELECT count(*) {items}")).await, total);
    if total > 0 {
        let spread = format!("SELECT max(position) + 1 {items}");
        assert_eq!(count(db, &spread).await, total);
    }
    if db.writer().get_database_backend() == DbBackend::Postgres && total > 0 {
        let most = format!(
            "SELECT max(written) FROM (SELECT count(*) AS written {items} GROUP BY xmin::text) AS parts"
        );
        assert!(count(db, &most).await <= PART);
    }
    let jobs = match db.writer().get_database_backend() {
        DbBackend::Postgres => format!("SELECT count(*) FROM jobs WHERE subject_id = '{id}'"),
        _ => format!("SELECT count(*) FROM jobs WHERE subject_id = unhex('{id}', '-')"),
    };
    assert_eq!(count(db, &jobs).await, 1);
}

fn named(number: usize) -> Selection {
    Selection::Ids((0..number).map(|_| DocumentId::new(NOW)).collect())
}

#[on_each_database]
async fn many_items_are_written_in_parts(db: &Database) {
    let owner = user(db, "alice").await;
    for number in [0, 1, 1_999, 2_000, 2_001, 4_000, 4_001] {
        let id = asks(db, owner, named(number)).await.unwrap();
        is_whole(db, id, i64::try_from(number).unwrap()).await;
    }
    let too_many = asks(db, owner, named(Operation::MAX_ITEMS + 1)).await;
    assert!(matches!(too_many, Err(CreateOperationError::TooMany)));
    let first = active(db, owner, "content").await;
    copies(db, first, 4_499).await;
    let found = asks(db, owner, Selection::Matching(DocumentFilter::default()))
        .await
        .unwrap();
    is_whole(db, found, 4_500).await;

    // Taken back are those that succeeded, wherever they stand.
    let done = "UPDATE operation_items SET result = CASE WHEN position % 3 = 0 THEN 'succeeded' ELSE 'skipped' END, \
             code = CASE WHEN position % 3 = 0 THEN NULL ELSE 'x' END, detail = CASE WHEN position % 3 = 0 THEN NULL ELSE 'x' END";
    db.writer().execute_unprepared(done).await.unwrap();
    let ended = "UPDATE operations SET status = 'completed', started_at = 1, finished_at = 1, \
             succeeded = (total + 2) / 3, skipped = total - (total + 2) / 3, next_position = total";
    db.writer().execute_unprepared(ended).await.unwrap();
    let undo = NewUndo {
        id: OperationId::new(NOW),
        undoes: found,
        owner,
        at: NOW,
    };
    undo_operation(db, &undo, &OperationLimits::default())
        .await
        .unwrap();
    is_whole(db, undo.id, 1_500).await;
}

#[on_each_database]
async fn what_is_left_half_written_is_seen_by_nobody_and_goes(db: &Database) {
    let owner = user(db, "alice").await;
    let id = asks(db, owner, named(4_001)).await.unwrap();
    // As it stands before the last part.
    let half = format!(
        "UPDATE operations SET expired_at = {}",
        NOW.plus(Duration::from_mins(10)).as_micros()
    );
    for sql in [
        &half[..],
        "DELETE FROM operation_items WHERE position >= 4000",
        "DELETE FROM jobs",
    ] {
        db.writer().execute_unprepared(sql).await.unwrap();
    }
    assert!(find_operation(db, id).await.unwrap().is_none());
    let page = OperationPage {
        owner,
        before: None,
        limit: 10,
    };
    assert!(list_operations(db, page).await.unwrap().is_empty());
    // It may still be finished, and counts as one that is open.
    assert!(
        !remove_expired_operation(db, NOW.plus(Duration::from_mins(9)))
            .await
            .unwrap()
    );
    while remove_expired_operation(db, NOW.plus(Duration::from_mins(11)))
        .await
        .unwrap()
    {}
    assert_eq!(count(db, "SELECT count(*) FROM operation_items").await, 0);
    assert_eq!(count(db, "SELECT count(*) FROM operations").await, 0);
}
