//! What an upload straight to S3 asks of the storage, and what becomes of it if that refuses.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::ByteSize;
use serde_json::json;
use storage::{DirectUpload, Environment, Joined, Signed, Storage, StorageUrl, WrittenPart};
use tests::app::{Mode, TestApp};
use tests::content::pseudo_random;
use tests::direct;
use tests::objects::old_key;
use tests::servers::{Disturbance, Gate, Passing, Recorder, S3};
use url::Url;

const PATIENCE: Duration = Duration::from_mins(1);

/// More than goes in one request.
const LARGE: usize = (64 << 20) + 12_345;

/// Storage behind a gate.
async fn connect(s3: &S3, options: &str) -> (Arc<dyn Storage>, Gate) {
    let gate = Gate::before_http(s3.port()).await;
    let url = s3.fresh_storage_url().await;
    let behind = format!("http://127.0.0.1:{}", gate.port());
    let url = url.replace(&s3.endpoint(), &behind);
    let url: StorageUrl = format!("{url}{options}").parse().unwrap();
    let environment = Environment::only(s3.environment());
    (url.connect_in(&environment).await.unwrap(), gate)
}

async fn begun(storage: &dyn Storage, url: &Url) -> (DirectUpload, Signed) {
    let size = ByteSize::new(LARGE as u64);
    let direct = storage.direct().unwrap();
    let parts = direct.begin(url, size).await.unwrap().unwrap();
    let url = url.clone();
    let upload = DirectUpload { url, size, parts };
    let signed = direct.sign(&upload, PATIENCE).await.unwrap();
    (upload, signed)
}

/// Sends the parts past the gate.
async fn sent(s3: &S3, gate: &Gate, signed: &Signed, bytes: &Bytes) -> Vec<WrittenPart> {
    let Signed::Parts { parts, .. } = signed else {
        panic!("{signed:?}");
    };
    let (mut written, mut rest) = (Vec::new(), bytes.clone());
    let before = gate.requests();
    for part in parts {
        let bytes = rest.split_to(usize::try_from(part.size.bytes()).unwrap());
        let sent = direct::write(part.url.as_str(), &json!({}), bytes).await;
        assert!(sent.status().is_success(), "{sent:?}");
        let tag = sent.headers()["etag"].to_str().unwrap().to_owned();
        let number = part.number;
        written.push(WrittenPart { number, tag });
    }
    assert_eq!(gate.requests() - before, 2, "{}", s3.endpoint());
    written
}

#[tokio::test]
async fn an_upload_in_parts_costs_the_service_two_requests() {
    let s3 = S3::shared().await;
    let (storage, gate) = connect(s3, "&storage_class=STANDARD_IA").await;
    let url = storage.place().join(&old_key()).unwrap();
    let direct = storage.direct().unwrap();
    let (upload, signed) = begun(&*storage, &url).await;
    assert_eq!(gate.requests(), 1);
    let bytes = pseudo_random(1, LARGE);
    let mut written = sent(s3, &gate, &signed, &bytes).await;
    // In whatever order they are told.
    written.reverse();
    let before = gate.requests();
    let joined = direct.join(&upload, &written).await.unwrap();
    assert_eq!(joined, Joined::Done);
    assert_eq!(gate.requests() - before, 1);
    assert_eq!(storage.stat(&url).await.unwrap().unwrap().size, upload.size);
    // It is as it was, though there are no parts any more.
    let joined = direct.join(&upload, &written).await.unwrap();
    assert_eq!(joined, Joined::Done);
}

#[tokio::test]
async fn a_copy_that_s3_refuses_for_a_while_is_made_later() {
    /// More than bytes that are gone are looked for.
    const REFUSALS: usize = 5;
    let s3 = S3::shared().await;
    let recorder = Recorder::before(s3.port()).await;
    let url = recorder.in_front(&s3.fresh_storage_url().await, s3.port());
    let mut settings = vec![("DOSSIER_STORAGE_URL", url.as_str())];
    let own = s3.environment();
    settings.extend(own.iter().map(|(name, value)| (*name, value.as_str())));
    let builder = TestApp::builder(Mode::Embedded).settings(&settings);
    let app = builder.start().await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(3, 100_000);
    let wanted = json!({"name": "a.bin", "size_bytes": bytes.len()});
    let upload = direct::begin(&alice, &wanted).await.expecting(201);
    let written = direct::send(&upload, &bytes).await;
    let mut refusals = 0;
    recorder.passes(move |request| {
        let is_copy = !request.header("x-amz-copy-source").is_empty();
        refusals += usize::from(is_copy);
        if is_copy && refusals <= REFUSALS {
            Passing::Refused(403)
        } else {
            Passing::On
        }
    });
    let completed = direct::complete(&alice, &upload, &written).await;
    let document = alice.settled(&completed.expecting(202)).await;
    assert_eq!(document["status"], "active", "{document}");
    assert!(alice.downloads(&document).await == bytes, "other bytes");
}

#[tokio::test]
async fn what_s3_refuses_at_first_is_tried_again() {
    let s3 = S3::shared().await;
    for disturbance in [Disturbance::Refusals, Disturbance::Resets] {
        let (storage, gate) = connect(s3, "").await;
        let direct = storage.direct().unwrap();
        gate.disturb(disturbance);
        // Each of them is disturbed once, before or after its effect.
        for _ in 0..6 {
            let url = storage.place().join(&old_key()).unwrap();
            begun(&*storage, &url).await;
        }
        gate.disturb(Disturbance::None);
        let url = storage.place().join(&old_key()).unwrap();
        let (upload, signed) = begun(&*storage, &url).await;
        let written = sent(s3, &gate, &signed, &pseudo_random(2, LARGE)).await;
        gate.disturb(disturbance);
        for _ in 0..6 {
            let joined = direct.join(&upload, &written).await.unwrap();
            assert_eq!(joined, Joined::Done, "{disturbance:?}");
        }
        let stat = storage.stat(&url).await.unwrap().unwrap();
        assert_eq!(stat.size, upload.size);
    }
}
