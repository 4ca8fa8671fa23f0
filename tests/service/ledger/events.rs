//! The log of events in the ledger: its order under concurrency, its cost, and what is removed.

use std::time::Duration;

use domain::{DocumentId, EventType, UserId};
use futures::future::join_all;
use ledger::{
    Database, DocumentChanges, FeedError, FeedEvent, FeedPosition, FeedRequest, Precondition,
    Target, accept, archive_document, delete_document, edit_document, feed_end, feed_ends,
    read_feed, restore_document, timeline, trim_events,
};
use sea_orm::{ConnectionTrait, DbBackend};
use tests::ledger::{NOW, active, arrival, count, limits, passed, settle_all, user};
use tests::on_each_database;

const DAY: Duration = Duration::from_hours(24);

fn all_of(owner: UserId) -> FeedRequest {
    FeedRequest {
        owner,
        after: None,
        types: None,
        document: None,
        limit: 50,
        bytes: 1 << 20,
    }
}

/// Everything behind a position.
async fn whole(db: &Database, request: FeedRequest) -> Vec<FeedEvent> {
    let mut request = request;
    let mut events = Vec::new();
    loop {
        let page = read_feed(db, &request).await.unwrap();
        events.extend(page.events);
        request.after = Some(page.next);
        if page.is_end {
            return events;
        }
    }
}

fn types(events: &[FeedEvent]) -> Vec<EventType> {
    events.iter().map(|event| event.kind).collect()
}

fn target(owner: UserId, document: DocumentId) -> Target {
    Target {
        document,
        owner,
        precondition: Precondition::None,
    }
}

fn traces(staged: &str) -> Vec<String> {
    vec![staged.to_owned()]
}

/// Follows a feed until it has seen so many events, and asserts that none comes behind a later one.
async fn follows(db: &Database, owner: UserId, number: usize) -> Vec<FeedPosition> {
    let mut request = all_of(owner);
    let mut seen: Vec<FeedPosition> = Vec::new();
    while seen.len() < number {
        let page = read_feed(db, &request).await.unwrap();
        seen.extend(page.events.iter().map(|event| event.position));
        request.after = Some(page.next);
        tokio::task::yield_now().await;
    }
    seen
}

#[on_each_database]
async fn no_reader_steps_over_an_event_that_commits_later(db: &Database) {
    const WRITERS: usize = 8;
    const ROUNDS: usize = 6;
    let [alice, bob] = [user(db, "alice").await, user(db, "bob").await];
    let owners = [alice, bob];
    let writer = async |index: usize| {
        let owner = owners[index % 2];
        for round in 0..ROUNDS {
            let arrival = arrival(owner, &format!("{index} {round}"), NOW);
            let document = arrival.document;
            accept(db, &limits(), &[arrival]).await.unwrap();
            let changes = DocumentChanges {
                name: Some(format!("{round}.txt").parse().unwrap()),
                ..DocumentChanges::default()
            };
            let target = target(owner, document);
            edit_document(db, &target, changes, NOW).await.unwrap();
            if round % 2 == 0 {
                delete_document(db, &target, NOW, traces).await.unwrap();
            }
        }
    };
    let each = WRITERS / 2 * (2 * ROUNDS + ROUNDS / 2);
    let readers = owners.map(|owner| async move {
        let seen = join_all((0..3).map(|_| follows(db, owner, each))).await;
        let whole = whole(db, all_of(owner)).await;
        let whole: Vec<_> = whole.iter().map(|event| event.position).collect();
        assert_eq!(whole.len(), each);
        assert!(whole.is_sorted());
        for seen in seen {
            assert_eq!(seen, whole);
        }
    });
    let writers = join_all((0..WRITERS).map(writer));
    tokio::join!(writers, join_all(readers));
}

#[on_each_database]
async fn an_open_transaction_holds_back_the_events_of_its_owner_alone(db: &Database) {
    if db.writer().get_database_backend() != DbBackend::Postgres {
        // There is one writer: nobody is held back behind another.
        return;
    }
    let [alice, bob] = [user(db, "alice").await, user(db, "bob").await];
    let document = active(db, alice, "a").await;
    let before = feed_end(db, alice).await.unwrap();
    let open = db.begin().await.unwrap();
    // What an insert of her events does first.
    let held = format!(
        "SELECT id FROM users WHERE id = '{alice}' FOR NO KEY UPDATE; \
         INSERT INTO events (owner_id, kind, type, data, at) \
         VALUES ('{alice}', NULL, 'document.deleted', '{{}}', 0)"
    );
    open.execute_unprepared(&held).await.unwrap();
    active(db, bob, "b").await;
    assert_eq!(whole(db, all_of(bob)).await.len(), 2);
    let target = target(alice, document);
    let waits = archive_document(db, &target, NOW);
    let mut waits = std::pin::pin!(waits);
    let blocked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
         AND wait_event_type = 'Lock'";
    loop {
        tokio::select! {
            biased;
            _ = waits.as_mut() => panic!("it doesn't wait for the one before"),
            blocked = count(db, blocked) => if blocked > 0 { break },
        }
    }
    assert_eq!(feed_end(db, alice).await.unwrap(), before);
    open.commit().await.unwrap();
    waits.await.unwrap();
    let request = FeedRequest {
        after: Some(before),
        ..all_of(alice)
    };
    let told = whole(db, request).await;
    assert_eq!(
        types(&told),
        [EventType::DocumentDeleted, EventType::DocumentArchived]
    );
}

#[on_each_database]
async fn what_leaves_the_feed_expires_cursors_of_its_owner(db: &Database) {
    let [alice, bob] = [user(db, "alice").await, user(db, "bob").await];
    let kept = active(db, alice, "kept").await;
    let gone = active(db, alice, "gone").await;
    let early = feed_end(db, alice).await.unwrap();
    delete_document(db, &target(alice, gone), NOW, traces)
        .await
        .unwrap();
    let end = feed_end(db, alice).await.unwrap();
    let of_bob = feed_end(db, bob).await.unwrap();
    let later = NOW.plus(DAY * 40);
    restore(db, alice, kept, later).await;
    // In batches smaller than what there is.
    while !trim_events(db, NOW.plus(DAY), 2).await.unwrap() {}
    let read = async |owner, after| {
        let request = FeedRequest {
            after: Some(after),
            ..all_of(owner)
        };
        read_feed(db, &request).await
    };
    for expired in [FeedPosition(0), early] {
        assert!(matches!(
            read(alice, expired).await,
            Err(FeedError::Expired)
        ));
    }
    let left = read(alice, end).await.unwrap();
    assert_eq!(
        types(&left.events),
        [EventType::DocumentArchived, EventType::DocumentRestored]
    );
    assert_eq!(types(&whole(db, all_of(alice)).await), types(&left.events));
    // Nothing of hers was removed.
    assert!(read(bob, of_bob).await.unwrap().events.is_empty());
    assert_eq!(feed_ends(db, &[alice, bob]).await.unwrap().len(), 1);
    // Two of the timeline of the document that is kept, and two that are young.
    assert_eq!(count(db, "SELECT count(*) FROM events").await, 4);
    let shapes = "SELECT count(*) FROM events WHERE shape IS NOT NULL";
    assert_eq!(count(db, shapes).await, 2);
}

async fn restore(db: &Database, owner: UserId, document: DocumentId, at: domain::Timestamp) {
    let target = target(owner, document);
    archive_document(db, &target, at).await.unwrap();
    restore_document(db, &target, at).await.unwrap();
}

#[on_each_database]
async fn young_events_stay_however_many_a_document_has(db: &Database) {
    let alice = user(db, "alice").await;
    let quiet = active(db, alice, "quiet").await;
    let busy = active(db, alice, "busy").await;
    for _ in 0..510 {
        restore(db, alice, busy, NOW.plus(DAY)).await;
    }
    let told = whole(db, all_of(alice)).await;
    assert_eq!(told.len(), 1_024);
    // As the worker does, which keeps them for a month.
    while !trim_events(db, NOW, 100).await.unwrap() {}
    let oldest = FeedRequest {
        after: Some(FeedPosition(0)),
        ..all_of(alice)
    };
    let positions =
        |events: &[FeedEvent]| -> Vec<_> { events.iter().map(|event| event.position).collect() };
    assert_eq!(
        positions(&whole(db, oldest.clone()).await),
        positions(&told)
    );
    assert_eq!(timeline(db, busy, 0, 2_000).await.unwrap().len(), 1_022);
    // A day later those of the first day leave, and no others.
    while !trim_events(db, NOW.plus(DAY), 100).await.unwrap() {}
    let expired = read_feed(db, &oldest).await;
    assert!(matches!(expired, Err(FeedError::Expired)));
    assert_eq!(
        positions(&whole(db, all_of(alice)).await),
        positions(&told[4..])
    );
    // What is in the timeline alone, and is old, goes with its document.
    for document in [quiet, busy] {
        let target = target(alice, document);
        delete_document(db, &target, NOW.plus(DAY), traces)
            .await
            .unwrap();
    }
    assert_eq!(count(db, "SELECT count(*) FROM events").await, 1_022);
}

#[on_each_database]
async fn a_reader_of_a_quiet_document_goes_on_from_the_end_of_the_feed(db: &Database) {
    let alice = user(db, "alice").await;
    let quiet = active(db, alice, "quiet").await;
    let mut request = FeedRequest {
        document: Some(quiet),
        ..all_of(alice)
    };
    let page = read_feed(db, &request).await.unwrap();
    assert_eq!(page.events.len(), 2);
    active(db, alice, "other").await;
    request.after = Some(page.next);
    let page = read_feed(db, &request).await.unwrap();
    assert!(page.events.is_empty() && page.is_end);
    assert_eq!(page.next, feed_end(db, alice).await.unwrap());
    // All of these are old; nothing that it asked for has left since.
    while !trim_events(db, NOW.plus(DAY), 100).await.unwrap() {}
    request.after = Some(page.next);
    assert!(read_feed(db, &request).await.unwrap().events.is_empty());
    restore(db, alice, quiet, NOW.plus(DAY)).await;
    assert_eq!(whole(db, request).await.len(), 2);
}

#[on_each_database]
async fn a_cursor_beyond_the_newest_event_has_expired(db: &Database) {
    let [alice, bob] = [user(db, "alice").await, user(db, "bob").await];
    let document = active(db, alice, "a").await;
    let backup = feed_end(db, alice).await.unwrap();
    restore(db, alice, document, NOW).await;
    let cursor = feed_end(db, alice).await.unwrap();
    let read = async |owner, after, document| {
        let request = FeedRequest {
            after: Some(after),
            document,
            ..all_of(owner)
        };
        read_feed(db, &request).await.map(|page| page.events.len())
    };
    assert_eq!(read(alice, cursor, None).await.unwrap(), 0);
    // A backup was restored, and less has happened since.
    let newer = format!("DELETE FROM events WHERE sequence > {}", backup.0 + 1);
    db.writer().execute_unprepared(&newer).await.unwrap();
    for of in [None, Some(document)] {
        let ahead = read(alice, cursor, of).await;
        assert!(matches!(ahead, Err(FeedError::Expired)), "{ahead:?}");
        assert_eq!(read(alice, backup, of).await.unwrap(), 1);
    }
    // Of whom nothing is told, the beginning is the end.
    let end = feed_end(db, bob).await.unwrap();
    assert_eq!(read(bob, end, None).await.unwrap(), 0);
    let ahead = read(bob, FeedPosition(end.0 + 1), None).await;
    assert!(matches!(ahead, Err(FeedError::Expired)), "{ahead:?}");
}

#[on_each_database]
async fn a_filtered_page_looks_at_a_bounded_number_of_events(db: &Database) {
    let alice = user(db, "alice").await;
    let document = active(db, alice, "a").await;
    let id = |id: uuid::Uuid| match db.writer().get_database_backend() {
        DbBackend::Postgres => format!("'{id}'"),
        _ => format!("unhex('{}')", id.simple()),
    };
    let sql = format!(
        "WITH RECURSIVE times (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM times WHERE n < 12000) \
         INSERT INTO events (owner_id, document_id, type, data, at) \
         SELECT {}, NULL, 'ticket.used', '{{}}', 0 FROM times",
        id(alice.0)
    );
    db.writer().execute_unprepared(&sql).await.unwrap();
    delete_document(db, &target(alice, document), NOW, traces)
        .await
        .unwrap();
    let mut request = FeedRequest {
        types: Some(vec![EventType::DocumentDeleted]),
        ..all_of(alice)
    };
    let mut pages = 0;
    loop {
        let page = read_feed(db, &request).await.unwrap();
        pages += 1;
        request.after = Some(page.next);
        if page.is_end {
            assert_eq!(types(&page.events), [EventType::DocumentDeleted]);
            break;
        }
        assert!(page.events.is_empty());
    }
    assert_eq!(pages, 3);
    // A page has at most so many bytes, and at least one event.
    let small = FeedRequest {
        bytes: 1,
        types: Some(vec![
            EventType::DocumentAccepted,
            EventType::DocumentActivated,
        ]),
        ..all_of(alice)
    };
    let page = read_feed(db, &small).await.unwrap();
    assert_eq!(types(&page.events), [EventType::DocumentAccepted]);
    assert_eq!(whole(db, small).await.len(), 2);
}

/// The bytes that the two events of an upload take beside the timeline.
#[on_each_database]
async fn the_events_of_an_upload_are_small(db: &Database) {
    let alice = user(db, "alice").await;
    accept(db, &limits(), &[arrival(alice, "a", NOW)])
        .await
        .unwrap();
    settle_all(db, NOW, passed).await;
    let bytes = "SELECT CAST(sum(octet_length(shape)) AS bigint) FROM events";
    let bytes = count(db, bytes).await;
    assert!((300..700).contains(&bytes), "{bytes}");
}
