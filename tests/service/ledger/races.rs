//! Changes of one document that come at once, on each database: every one is made as if it were
//! alone, or refused, and nothing is counted twice.

use std::time::Duration;

use domain::{
    BlobId, ByteSize, DocumentId, ErrorCode, JobId, Limits, Sha256, Timestamp, UserId, VersionId,
};
use futures::future::join_all;
use ledger::{
    ChangeError, Database, DbError, DocumentChanges, DueDiscard, NewContent, Outcome, Precondition,
    Target, accept, add_version, archive_document, delete_document, delete_version, discarded,
    edit_document, find_document, list_versions, remove_user, restore_document, restore_version,
    retry_document, settle,
};
use sea_orm::ConnectionTrait;
use tests::databases::TestDatabase;
use tests::ledger::{
    NOW, accepted, active, arrival, assert_balanced, claim_at, count, counters, failed, limits,
    settle_all, settlement, stored, user,
};
use tests::on_each_database;
use tests::poll::wait_until;

/// Later than whatever these tests discard.
const FAR: Timestamp = Timestamp::from_micros(i64::MAX / 2);

fn target(owner: UserId, document: DocumentId) -> Target {
    Target {
        document,
        owner,
        precondition: Precondition::None,
    }
}

fn content(text: &str) -> NewContent {
    let id = VersionId::new(NOW);
    NewContent {
        version: id,
        job: JobId::new(NOW),
        declared_type: None,
        staged: format!("file:///staging/{id}").parse().unwrap(),
        body: None,
        size: ByteSize::new(text.len() as u64),
        sha256: Sha256::of(text.as_bytes()),
        traceparent: None,
        at: NOW,
    }
}

fn renamed(name: &str) -> DocumentChanges {
    DocumentChanges {
        name: Some(name.parse().unwrap()),
        ..DocumentChanges::default()
    }
}

/// The bytes passed, and were written to a place where none were before.
fn kept() -> Outcome {
    stored(&format!("file:///store/{}", BlobId::new(NOW)))
}

fn traces(url: &str) -> Vec<String> {
    vec![url.to_owned()]
}

#[on_each_database]
async fn charges_of_one_user_that_come_at_once_never_die_of_each_other(db: &Database) {
    let owner = user(db, "alice").await;
    let limits = Limits {
        default_quota_bytes: ByteSize::gibibytes(1),
        default_quota_documents: 10_000,
        ..limits()
    };
    let mut targets = Vec::new();
    for lane in 0..8 {
        targets.push(target(
            owner,
            active(db, owner, &format!("lane {lane}")).await,
        ));
    }
    let charges = async |lane: usize| {
        for turn in 0..40 {
            let text = format!("{lane}, {turn}");
            if lane.is_multiple_of(2) {
                let taken_in = accept(db, &limits, &[arrival(owner, &text, NOW)]).await;
                assert_eq!(taken_in.unwrap(), [Ok(())]);
            } else {
                add_version(db, &targets[lane], &content(&text), &limits)
                    .await
                    .unwrap();
            }
        }
    };
    join_all((0..8).map(charges)).await;
    assert_balanced(db).await;
}

#[on_each_database]
async fn versions_that_come_at_once_are_numbered_without_gaps(db: &Database) {
    let owner = user(db, "alice").await;
    let target = target(owner, active(db, owner, "first").await);
    let contents: Vec<_> = (0..20)
        .map(|index| content(&format!("version {index}")))
        .collect();
    let limits = limits();
    let added = contents
        .iter()
        .map(|content| add_version(db, &target, content, &limits));
    let mut numbers: Vec<_> = join_all(added)
        .await
        .into_iter()
        .map(|added| added.unwrap().latest_version)
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (2..22).collect::<Vec<_>>());
    settle_all(db, NOW, |_| kept()).await;
    let document = find_document(db, target.document).await.unwrap().unwrap();
    assert_eq!(document.lifecycle.current().unwrap().version, 21);
    assert_eq!(
        list_versions(db, target.document, None, 100)
            .await
            .unwrap()
            .len(),
        21
    );
    assert_balanced(db).await;
}

#[on_each_database]
async fn a_document_that_is_deleted_while_it_settles_gives_everything_back_once(db: &Database) {
    let owner = user(db, "alice").await;
    for round in 0..20 {
        let document = accepted(db, arrival(owner, &format!("content {round}"), NOW)).await;
        let claimed = claim_at(db, 10, NOW).await;
        let stored_at = format!("file:///store/{round}");
        let done = [settlement(db, &claimed[0], stored(&stored_at)).await];
        let target = target(owner, document);
        let (settled, deleted) = tokio::join!(
            settle(db, &done, NOW),
            delete_document(db, &target, NOW, traces)
        );
        settled.unwrap();
        deleted.unwrap();
        assert_eq!(counters(db, owner).await, (0, 0, 0), "round {round}");
        assert_eq!(count(db, "SELECT count(*) FROM blobs").await, 0);
        let discards = discarded(db, &DueDiscard::default(), 100, FAR)
            .await
            .unwrap();
        let of_store = discards
            .iter()
            .filter(|discard| discard.url == stored_at)
            .count();
        assert!(of_store <= 1, "{discards:?}");
        assert_balanced(db).await;
    }
}

#[on_each_database]
async fn a_user_who_is_deleted_while_uploads_come_and_settle_takes_all_along(db: &Database) {
    let bob = user(db, "bob").await;
    active(db, bob, "shared").await;
    for round in 0..20 {
        let alice = user(db, &format!("alice {round}")).await;
        let target = target(alice, active(db, alice, "shared").await);
        for content in ["shared", "own", "shared", "other"] {
            accepted(db, arrival(alice, content, NOW)).await;
        }
        let mut done = Vec::new();
        for claimed in claim_at(db, 10, NOW).await {
            done.push(settlement(db, &claimed, kept()).await);
        }
        let (limits, late, more) = (limits(), [arrival(alice, "late", NOW)], content("more"));
        let (settled, removed, taken_in, added) = tokio::join!(
            settle(db, &done, NOW),
            remove_user(db, alice, NOW, traces),
            accept(db, &limits, &late),
            add_version(db, &target, &more, &limits),
        );
        settled.unwrap();
        assert!(removed.unwrap().is_some(), "round {round}");
        assert!(
            matches!(taken_in, Ok(_) | Err(DbError::Constraint(_))),
            "{taken_in:?}"
        );
        assert!(
            matches!(added, Ok(_) | Err(ChangeError::NotFound)),
            "{added:?}"
        );
        assert_balanced(db).await;
        let left = "SELECT count(*) FROM versions WHERE owner_id <> (SELECT id FROM users WHERE name = 'bob')";
        assert_eq!(count(db, left).await, 0, "round {round}");
        settle_all(db, NOW, |_| kept()).await;
    }
    assert_eq!(count(db, "SELECT count(*) FROM blobs").await, 1);
    assert_eq!(counters(db, bob).await, (6, 0, 1));
}

#[on_each_database]
async fn of_changes_to_one_revision_one_is_made(db: &Database) {
    let owner = user(db, "alice").await;
    let document = active(db, owner, "content").await;
    for round in 0..10 {
        let revision = find_document(db, document).await.unwrap().unwrap().revision;
        let target = Target {
            precondition: Precondition::OneOf(vec![revision]),
            ..target(owner, document)
        };
        let name = format!("round {round}.pdf");
        let edits = (0..4)
            .map(|index| edit_document(db, &target, renamed(&format!("{index} {name}")), NOW));
        let limits = limits();
        let (edited, archived, restored) = tokio::join!(
            join_all(edits),
            archive_document(db, &target, NOW),
            restore_version(db, &target, 1, &limits, NOW),
        );
        let all = edited.into_iter().chain([archived, restored]);
        let (made, refused): (Vec<_>, Vec<_>) = all.partition(Result::is_ok);
        assert_eq!(made.len(), 1, "round {round}");
        assert!(
            refused
                .iter()
                .all(|refused| matches!(refused, Err(ChangeError::RevisionMismatch)))
        );
        let _ = restore_document(db, &self::target(owner, document), NOW).await;
        assert_balanced(db).await;
    }
}

#[on_each_database]
async fn a_version_that_is_restored_and_deleted_at_once_keeps_its_bytes_or_not(db: &Database) {
    let owner = user(db, "alice").await;
    for round in 0..20 {
        let document = active(db, owner, &format!("first {round}")).await;
        let target = target(owner, document);
        add_version(db, &target, &content("second"), &limits())
            .await
            .unwrap();
        settle_all(db, NOW, |_| kept()).await;
        let limits = limits();
        let (restored, deleted) = tokio::join!(
            restore_version(db, &target, 1, &limits, NOW),
            delete_version(db, &target, 1, NOW, traces),
        );
        deleted.unwrap();
        match restored {
            Ok(document) => assert_eq!(document.lifecycle.current().unwrap().version, 3),
            Err(error) => assert!(matches!(error, ChangeError::NotFound), "{error:?}"),
        }
        assert_balanced(db).await;
        delete_document(db, &target, NOW, traces).await.unwrap();
        assert_eq!(counters(db, owner).await, (0, 0, 0));
    }
    assert_eq!(count(db, "SELECT count(*) FROM blobs").await, 0);
}

#[on_each_database]
async fn whatever_eight_do_at_once_the_sums_are_right(db: &Database) {
    let owners = [user(db, "alice").await, user(db, "bob").await];
    let mut documents = Vec::new();
    for index in 0..6 {
        let owner = owners[index % 2];
        documents.push((
            owner,
            active(db, owner, &format!("same {}", index % 3)).await,
        ));
    }
    join_all((0..8).map(|task| act(db, task, &documents))).await;
    settle_all(db, NOW, |_| kept()).await;
    assert_balanced(db).await;
    for (owner, document) in documents {
        match delete_document(db, &target(owner, document), NOW, traces).await {
            Ok(_) | Err(ChangeError::NotFound) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_balanced(db).await;
    assert_eq!(count(db, "SELECT count(*) FROM blobs WHERE refs > 0 AND NOT EXISTS (SELECT 1 FROM versions WHERE blob_id = blobs.id)").await, 0);
}

#[tokio::test]
async fn a_change_that_has_to_give_way_is_begun_anew() {
    let database = TestDatabase::postgres().await;
    let db = &database.db;
    let owner = user(db, "alice").await;
    let target = target(owner, active(db, owner, "first").await);
    // Somebody who locks the other way round.
    let other = db.begin().await.unwrap();
    let hold =
        |table: &str, id: uuid::Uuid| format!("SELECT 1 FROM {table} WHERE id = '{id}' FOR UPDATE");
    other
        .execute_unprepared(&hold("users", owner.0))
        .await
        .unwrap();
    let other_way = async {
        let waiting = "SELECT count(*) FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let waits = async || count(db, waiting).await > 0;
        wait_until(Duration::from_mins(1), "the change waits", waits).await;
        // The database ends one of the two: the one that looks first, which waits for longer.
        let crossed = other
            .execute_unprepared(&hold("documents", target.document.0))
            .await;
        drop(other);
        crossed
    };
    let (limits, second) = (limits(), content("second"));
    let (added, crossed) = tokio::join!(add_version(db, &target, &second, &limits), other_way);
    assert_eq!(added.unwrap().latest_version, 2, "{crossed:?}");
    assert_balanced(db).await;
}

/// Does forty things in an order of its own. Refusals are fine; a database that gives up isn't.
async fn act(db: &Database, task: u64, documents: &[(UserId, DocumentId)]) {
    let mut dice = task.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for step in 0..40 {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let (owner, document) =
            documents[usize::try_from(dice >> 8).unwrap_or(0) % documents.len()];
        let target = target(owner, document);
        let limits = limits();
        let number = u32::try_from(dice >> 20 & 3).unwrap_or(0) + 1;
        let done = match dice % 9 {
            0 => add_version(
                db,
                &target,
                &content(&format!("same {}", dice >> 30 & 3)),
                &limits,
            )
            .await
            .map(drop),
            1 => edit_document(db, &target, renamed(&format!("{task} {step}")), NOW)
                .await
                .map(drop),
            2 => archive_document(db, &target, NOW).await.map(drop),
            3 => restore_document(db, &target, NOW).await.map(drop),
            4 => restore_version(db, &target, number, &limits, NOW)
                .await
                .map(drop),
            5 => delete_version(db, &target, number, NOW, traces)
                .await
                .map(drop),
            6 => retry_document(db, &target, &limits, NOW).await.map(drop),
            7 => process(db, task).await,
            // Seldom, or there would soon be nothing left.
            _ if (dice >> 40).is_multiple_of(16) => {
                delete_document(db, &target, NOW, traces).await.map(drop)
            }
            _ => process(db, task).await,
        };
        if let Err(ChangeError::Database(error)) = done {
            panic!("task {task}, step {step}: {error:?}");
        }
    }
}

/// Claims what is due and settles it, one way or the other.
async fn process(db: &Database, task: u64) -> Result<(), ChangeError> {
    let mut group = Vec::new();
    for claimed in claim_at(db, 4, NOW).await {
        let mut settled = settlement(db, &claimed, failed(ErrorCode::Internal)).await;
        if settled.work.is_some() && !task.is_multiple_of(4) {
            settled.outcome = kept();
        }
        group.push(settled);
    }
    settle(db, &group, NOW).await?;
    Ok(())
}
