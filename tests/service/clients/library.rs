//! The client library over a network that breaks requests and connections.

use std::time::Duration;

use client::{Client, DocumentFilter, DocumentStatus, NewDocument, Source, Target};
use futures::TryStreamExt as _;
use tests::app::{Mode, TestApp};
use tests::content::pseudo_random;
use tests::in_both_modes;
use tests::servers::{Disturbance, Gate};

/// Longer than any wait of a test that passes.
const PATIENCE: Duration = Duration::from_mins(3);

fn port(app: &TestApp) -> u16 {
    let api = app.ingress().api();
    api.rsplit(':').next().unwrap().parse().unwrap()
}

/// The admin's client, which speaks through the gate.
fn through(gate: &Gate, app: &TestApp) -> Client {
    Client::builder(&format!("http://127.0.0.1:{}", gate.port()))
        .key(app.admin_key())
        .plain_below(1 << 20)
        .piece(4 << 20)
        .attempts(8)
        .build()
        .unwrap()
}

#[in_both_modes]
async fn requests_that_are_tried_again_take_effect_once(mode: Mode) {
    let app = TestApp::start(mode).await;
    let gate = Gate::before_http(port(&app)).await;
    let client = through(&gate, &app);
    gate.disturb(Disturbance::Resets);
    let large = pseudo_random(50, 9 << 20);
    let mut documents = Vec::new();
    for number in 0..8 {
        let new = NewDocument::named(format!("{number}.txt"));
        let text = format!("this is {number}");
        documents.push(client.upload(Source::bytes(text), new).await.unwrap());
    }
    let new = NewDocument::named("large.bin");
    documents.push(
        client
            .upload(Source::bytes(large.clone()), new)
            .await
            .unwrap(),
    );
    for document in &documents {
        let settled = client
            .wait_for_document(document.id, PATIENCE)
            .await
            .unwrap();
        assert_eq!(settled.status, DocumentStatus::Active, "{settled:?}");
        client.archive_document(document.id).await.unwrap();
    }
    let version = Target::Version {
        document: documents[0].id,
        name: "0.txt".to_owned(),
        declared_type: None,
    };
    let refused = client.upload(Source::bytes("more"), version.clone()).await;
    assert_eq!(refused.unwrap_err().code(), Some("not_active"));
    client.restore_document(documents[0].id).await.unwrap();
    client.upload(Source::bytes("more"), version).await.unwrap();
    gate.disturb(Disturbance::None);
    let all = DocumentFilter {
        status: Some("pending,active,archived,error".to_owned()),
        ..DocumentFilter::default()
    };
    let listed: Vec<_> = client
        .documents(&all, Some("name"))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(listed.len(), documents.len());
    let versions: Vec<_> = client
        .versions(documents[0].id)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(versions.len(), 2);
    let last = client
        .wait_for_version(documents[0].id, 2, PATIENCE)
        .await
        .unwrap();
    assert!(last.error.is_none(), "{last:?}");
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_and_downloads_survive_cut_connections() {
    let app = TestApp::start(Mode::Embedded).await;
    let gate = Gate::before(port(&app)).await;
    let client = through(&gate, &app);
    let bytes = pseudo_random(51, 20 << 20);
    let mut failed = 0;
    for chunks in [10, 100, 200] {
        gate.cut_after(chunks);
        let new = NewDocument::named(format!("after-{chunks}.bin"));
        let source = Source::bytes(bytes.clone());
        let document = client.upload(source, new).await.unwrap();
        assert!(gate.has_cut(), "{chunks} chunks are less than the upload");
        let document = client
            .wait_for_document(document.id, PATIENCE)
            .await
            .unwrap();
        gate.cut_after(chunks);
        let mut content = client.content(document.id).await.unwrap();
        let mut received = Vec::new();
        // It holds the digest against what was received.
        while let Some(chunk) = content.chunk().await.unwrap() {
            received.extend_from_slice(&chunk);
        }
        assert!(gate.has_cut(), "{chunks} chunks are less than the download");
        failed += usize::from(received != bytes);
    }
    assert_eq!(failed, 0);
    let uploads: Vec<_> = client.uploads().try_collect().await.unwrap();
    assert_eq!(uploads.len(), 3);
    app.ends_clean().await;
}
