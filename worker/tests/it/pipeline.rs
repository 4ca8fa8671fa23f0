//! What the pipeline makes of uploads.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use domain::{Clock, DocumentId, ErrorCode, Lifecycle, Status, Timestamp};
use futures::TryStreamExt;
use queue::{Feed, JobKind};
use tokio::sync::mpsc;
use url::Url;

use crate::service::{Service, wait_for};
use crate::trap::{Spring, Trap, Word};

/// What is left of a document that failed.
async fn failure(service: &Service, document: DocumentId) -> ErrorCode {
    match service.document(document).await.lifecycle {
        Lifecycle::Error(failure) => failure.code,
        other => panic!("{other:?}"),
    }
}

/// Nothing is reserved, and what is used is the sum of the active versions.
async fn accounts_balance(service: &Service) {
    let drift = "SELECT reserved_bytes + abs(used_bytes - \
        (SELECT COALESCE(sum(size_bytes), 0) FROM versions WHERE status = 'active')) FROM users";
    assert_eq!(service.number(drift).await, 0);
}

#[tokio::test]
async fn accepted_documents_become_active_and_their_bytes_are_stored() {
    let service = Service::start().await;
    let contents: [&'static [u8]; 3] = [b"Hello, world.\n", b"", b"{\"a\": 1}"];
    let mut documents = Vec::new();
    for content in contents {
        documents.push(service.accepts("a document", content).await);
    }
    service.settles(&documents).await;

    let mut types = Vec::new();
    for (document, content) in documents.into_iter().zip(contents) {
        let document = service.document(document).await;
        let Lifecycle::Active(current) = document.lifecycle else {
            panic!("{document:?}")
        };
        let chunks: Vec<Bytes> = service
            .places
            .open(&current.location, None)
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        assert_eq!(chunks.concat(), content);
        types.push(current.media_type.to_string());
    }
    assert_eq!(
        types,
        ["text/plain", "application/x-empty", "application/json"]
    );
    assert_eq!((service.staged().await, service.stored().await), (0, 3));
    accounts_balance(&service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_larger_than_what_is_read_whole_is_identified_in_parts() {
    let service = Service::start().await;
    let content: &'static [u8] = Vec::leak(b"A long story. ".repeat(200_000));
    let document = service.accepts("story.txt", content).await;
    service.settles(&[document]).await;
    let document = service.document(document).await;
    let current = document.lifecycle.current().unwrap();
    assert_eq!(current.media_type.as_str(), "text/plain");
    assert!(!current.type_mismatch);
}

#[tokio::test]
async fn the_same_content_is_kept_once() {
    let service = Service::start().await;
    let first = service.accepts("one.txt", b"the same bytes").await;
    service.settles(&[first]).await;
    let second = service.accepts("two.txt", b"the same bytes").await;
    service.settles(&[second]).await;

    let location = |document: domain::Document| -> Url {
        document.lifecycle.current().unwrap().location.clone()
    };
    assert_eq!(
        location(service.document(first).await),
        location(service.document(second).await)
    );
    assert_eq!(service.number("SELECT refs FROM blobs").await, 2);
    assert_eq!((service.staged().await, service.stored().await), (0, 1));
    assert_eq!(service.number("SELECT count(*) FROM discards").await, 0);
    accounts_balance(&service).await;
}

#[tokio::test]
async fn a_type_that_is_not_permitted_ends_in_an_error() {
    let service = Service::start().await;
    let document = service.accepts("report.pdf", b"%PDF-1.7\n%%EOF\n").await;
    service.settles(&[document]).await;
    assert_eq!(failure(&service, document).await, ErrorCode::TypeNotAllowed);
    accounts_balance(&service).await;
    let ended = "SELECT count(*) FROM jobs WHERE state = 'done' AND attempts = 1";
    assert_eq!(service.number(ended).await, 1);
}

/// A clock on which each look takes two minutes: every pause is over when it is looked at next.
#[derive(Debug)]
struct HurriedClock(AtomicI64);

impl Clock for HurriedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(120_000_000, Ordering::SeqCst))
    }
}

/// Runs a worker that is in a hurry, and that steps into a trap, until a document is settled.
async fn settles_over(
    service: &Service,
    document: DocumentId,
    spring: Spring,
) -> mpsc::UnboundedReceiver<Word> {
    let (tell, words) = mpsc::unbounded_channel();
    let mut role = service.role();
    role.places = service.places_with(|inner| Trap {
        inner,
        spring,
        tell,
    });
    role.clock = Arc::new(HurriedClock(AtomicI64::new(
        service.clock.now().as_micros(),
    )));
    role.lease = Duration::from_hours(100);
    let settled = service.feed.settled().await;
    let working = Service::works(role);
    wait_for(settled, &[document]).await;
    working.stop().await;
    words
}

#[tokio::test]
async fn bytes_that_storage_does_not_find_once_are_looked_for_again() {
    let service = Service::start().await;
    let document = service.accepts("hidden.txt", b"hidden").await;
    let once = Spring::Absent(Arc::new(AtomicU32::new(1)));
    settles_over(&service, document, once).await;
    let status = service.document(document).await.lifecycle.status();
    assert_eq!(status, Status::Active);
    assert_eq!((service.staged().await, service.stored().await), (0, 1));
    accounts_balance(&service).await;
}

#[tokio::test]
async fn an_upload_whose_bytes_are_gone_ends_in_an_error_and_they_are_kept_if_they_are_there() {
    let service = Service::start().await;
    let document = service.accepts("gone.txt", b"gone").await;
    let always = Spring::Absent(Arc::new(AtomicU32::new(u32::MAX)));
    settles_over(&service, document, always).await;
    assert_eq!(
        failure(&service, document).await,
        ErrorCode::UploadIncomplete
    );
    let dead = "SELECT count(*) FROM jobs WHERE state = 'dead' AND attempts = 4";
    assert_eq!(service.number(dead).await, 1);
    // A retry finds them.
    let kept = "SELECT count(*) FROM versions WHERE staged_url IS NOT NULL";
    assert_eq!((service.number(kept).await, service.staged().await), (1, 1));
    accounts_balance(&service).await;
}

#[tokio::test]
async fn a_step_that_panics_is_tried_again_and_given_up_in_the_end() {
    let service = Service::start().await;
    let document = service.accepts("panic.txt", b"panic").await;
    let mut words = settles_over(&service, document, Spring::Panic).await;

    assert_eq!(failure(&service, document).await, ErrorCode::Internal);
    assert_eq!(
        service.document(document).await.lifecycle.status(),
        Status::Error
    );
    let most = JobKind::ProcessVersion.max_attempts();
    let dead = format!(
        "SELECT count(*) FROM jobs WHERE state = 'dead' AND attempts = {most} \
        AND last_error LIKE '%stepped into the trap%'"
    );
    assert_eq!(service.number(&dead).await, 1);
    let failed = "SELECT count(*) FROM events WHERE kind = 'attempt_failed'";
    assert_eq!(service.number(failed).await, i64::from(most) - 1);
    let mut attempts = 0_u32;
    while let Ok(word) = words.try_recv() {
        attempts += u32::from(word == Word::Entered);
    }
    assert_eq!(attempts, most);
    accounts_balance(&service).await;
}

#[tokio::test]
async fn where_staging_is_the_store_documents_stay_where_they_were_staged() {
    let service = Service::start().await;
    let first = service.accepts("one.txt", b"in one place").await;
    let second = service.accepts("two.txt", b"in one place").await;
    let third = service.accepts("three.txt", b"other bytes").await;
    let mut role = service.role();
    let place = service.places.staging();
    role.places = service
        .places
        .with_adapters(Arc::clone(place), Arc::clone(place));
    let settled = service.feed.settled().await;
    let working = Service::works(role);
    wait_for(settled, &[first, second, third]).await;
    working.stop().await;

    assert_eq!((service.staged().await, service.stored().await), (2, 0));
    for document in [first, second, third] {
        let document = service.document(document).await;
        let location = &document.lifecycle.current().unwrap().location;
        assert!(service.places.stat(location).await.unwrap().is_some());
    }
    assert_eq!(service.number("SELECT count(*) FROM discards").await, 0);
    accounts_balance(&service).await;
}

#[tokio::test]
async fn a_name_that_contradicts_the_content_is_recorded() {
    let service = Service::start().await;
    let document = service.accepts("photo.png", b"Not a photo.\n").await;
    service.settles(&[document]).await;
    let document = service.document(document).await;
    let current = document.lifecycle.current().unwrap();
    assert_eq!(current.media_type.as_str(), "text/plain");
    assert!(current.type_mismatch);
}
