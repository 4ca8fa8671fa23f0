//! Clients who hang up between staging and answer.

use domain::{ByteSize, DocumentId, JobId, Metadata, UserId, VersionId, Visibility};
use ledger::Arrival;
use storage::Writer;

use super::app::App;
use super::routes::ends_with_staged;
use crate::uploads::{Bounds, Destination, StagedBytes};

async fn bytes(app: &App, owner: &str) -> (Arrival, StagedBytes) {
    let now = app.service.clock.now();
    let owner = owner.parse::<UserId>().unwrap();
    let bounds = Bounds {
        quota: u64::MAX,
        quota_limit: u64::MAX,
        staging: u64::MAX,
    };
    let in_flight = app.intake.in_flight();
    let held = in_flight.begin(owner, ByteSize::ZERO, bounds).await;
    let to = Destination {
        places: app.service.places.clone(),
        writer: Writer::User(owner),
        now,
        patience: app.service.server.upload,
        held: held.unwrap(),
        inline: None,
    };
    let bytes = to.stage_for_tests(b"hello").await;
    let arrival = Arrival {
        document: DocumentId::new(now),
        version: VersionId::new(now),
        job: JobId::new(now),
        owner,
        name: "a".parse().unwrap(),
        visibility: Visibility::Private { unique_name: None },
        metadata: Metadata::default(),
        declared_type: None,
        staged: bytes.staged().url.clone(),
        body: None,
        size: bytes.staged().size,
        sha256: bytes.staged().sha256,
        traceparent: None,
        at: now,
        receipt: None,
    };
    (arrival, bytes)
}

#[tokio::test]
async fn what_is_staged_is_taken_in_although_the_client_is_gone() {
    let app = App::start().await;
    let alice = app.alice().await;
    let (arrival, bytes) = bytes(&app, &alice.id).await;
    {
        let mut taking = std::pin::pin!(app.intake.take_in(arrival, bytes));
        assert!(futures::poll!(&mut taking).is_pending());
    }
    app.intake.close().await;
    assert_eq!(
        alice.get("/v1/documents").await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    ends_with_staged(&app, 1).await;
}

#[tokio::test]
async fn what_is_refused_is_removed_although_the_client_is_gone() {
    let app = App::start().await;
    let nobody = "0190a5c0-0000-7000-8000-000000000000";
    let (arrival, bytes) = bytes(&app, nobody).await;
    {
        let mut taking = std::pin::pin!(app.intake.take_in(arrival, bytes));
        assert!(futures::poll!(&mut taking).is_pending());
    }
    app.intake.close().await;
    ends_with_staged(&app, 0).await;
}

#[tokio::test]
async fn what_nobody_takes_over_is_removed() {
    let app = App::start().await;
    let (_, bytes) = bytes(&app, "0190a5c0-0000-7000-8000-000000000000").await;
    ends_with_staged(&app, 1).await;
    drop(bytes);
    ends_with_staged(&app, 0).await;
}
