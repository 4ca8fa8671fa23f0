//! Content over HTTP: what is asked for, and no more.

use std::time::Duration;

use domain::{BlobId, UserId, VersionId};
use ledger::{
    Activation, BlobOrigin, ClaimRequest, Outcome, Settlement, claim_jobs, load_pending, settle,
};
use poem::Body;
use poem::http::Method;
use queue::Queue;

use super::app::{Answer, App, Client};

/// Does what a worker would do with everything that is pending.
async fn activate_all(app: &App) {
    let (db, now) = (&app.service.db, app.service.clock.now());
    let request = ClaimRequest {
        queue: Queue::Ingest,
        worker: "test",
        limit: 100,
        lease: Duration::from_mins(1),
        after: UserId(uuid::Uuid::nil()),
        now,
    };
    for claimed in claim_jobs(db, &request).await.unwrap() {
        let version = VersionId(claimed.subject.unwrap());
        let work = load_pending(db, &[version], &app.service.limits)
            .await
            .unwrap()
            .remove(0);
        let upload = work.upload.as_ref().unwrap();
        let taken = app
            .service
            .places
            .take(&upload.staged, work.size, upload.sha256)
            .await
            .unwrap();
        let activation = Activation {
            media_type: "text/plain".parse().unwrap(),
            type_mismatch: false,
            blob: BlobId::new(now),
            location: taken.url,
            origin: BlobOrigin::Stored,
            leftovers: Vec::new(),
        };
        let settlement = Settlement {
            job: claimed.job,
            work: Some(work),
            attempt: claimed.attempt,
            worker: "test".to_owned(),
            started_at: now,
            steps: vec![],
            outcome: Outcome::Activated(activation),
        };
        settle(db, &[settlement], now).await.unwrap();
    }
}

struct Stored {
    app: App,
    alice: Client,
    uri: String,
}

impl Stored {
    async fn new() -> Self {
        let app = App::start().await;
        let alice = app.alice().await;
        let id = alice.uploads("caf%C3%A9.txt", "0123456789").await.json()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        activate_all(&app).await;
        Self {
            app,
            alice,
            uri: format!("/v1/documents/{id}/content"),
        }
    }

    async fn get(&self, headers: &[(&str, &str)]) -> Answer {
        self.alice
            .send(Method::GET, &self.uri, headers, Body::empty())
            .await
    }
}

#[tokio::test]
async fn the_whole_comes_with_every_header() {
    let stored = Stored::new().await;
    let answer = stored.get(&[]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_slice()),
        (200, b"0123456789".as_slice())
    );
    for (name, value) in [
        ("content-length", "10"),
        ("content-type", "text/plain"),
        ("accept-ranges", "bytes"),
        ("cache-control", "private, no-cache"),
        (
            "content-disposition",
            "attachment; filename=\"caf_.txt\"; filename*=UTF-8''caf%C3%A9.txt",
        ),
        (
            "etag",
            "\"84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882\"",
        ),
        (
            "repr-digest",
            "sha-256=:hNiYd/DUBB77a/kaFvAkjy/Vc+avBcGflr7bn4gveII=:",
        ),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert!(answer.header("last-modified").is_some());
    let inline = stored
        .alice
        .get(&format!("{}?inline=true", stored.uri))
        .await;
    assert!(
        inline
            .header("content-disposition")
            .unwrap()
            .starts_with("inline; ")
    );
}

#[tokio::test]
async fn a_range_is_a_part_of_it() {
    let stored = Stored::new().await;
    let part = stored.get(&[("range", "bytes=2-4")]).await;
    assert_eq!(
        (part.status.as_u16(), part.body.as_slice()),
        (206, b"234".as_slice())
    );
    assert_eq!(
        (part.header("content-range"), part.header("content-length")),
        (Some("bytes 2-4/10"), Some("3"))
    );
    let outside = stored.get(&[("range", "bytes=10-")]).await;
    assert_eq!(outside.problem(), (416, "range_not_satisfiable".to_owned()));
    assert_eq!(outside.header("content-range"), Some("bytes */10"));
    let other = stored
        .get(&[("range", "bytes=2-4"), ("if-range", "\"other\"")])
        .await;
    assert_eq!((other.status.as_u16(), other.body.len()), (200, 10));
}

#[tokio::test]
async fn several_ranges_come_as_parts() {
    let stored = Stored::new().await;
    let answer = stored.get(&[("range", "bytes=0-1,-2")]).await;
    assert_eq!(answer.status, 206);
    assert_eq!(
        answer.header("content-length"),
        Some(answer.body.len().to_string().as_str())
    );
    let content_type = answer.header("content-type").unwrap();
    let boundary = content_type
        .strip_prefix("multipart/byteranges; boundary=")
        .unwrap();
    let expected = format!(
        "\r\n--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\
         \r\n--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 8-9/10\r\n\r\n89\
         \r\n--{boundary}--\r\n"
    );
    assert_eq!(String::from_utf8(answer.body).unwrap(), expected);
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let stored = Stored::new().await;
    let whole = stored.get(&[]).await;
    let (etag, date) = (
        whole.header("etag").unwrap(),
        whole.header("last-modified").unwrap(),
    );
    for header in [("if-none-match", etag), ("if-modified-since", date)] {
        let answer = stored.get(&[header]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.len()),
            (304, 0),
            "{header:?}"
        );
        assert_eq!(answer.header("etag"), Some(etag));
    }
}

#[tokio::test]
async fn head_tells_all_but_the_bytes() {
    let stored = Stored::new().await;
    let whole = stored.get(&[]).await;
    let ranged = [("range", "bytes=0-1")];
    let head = stored
        .alice
        .send(Method::HEAD, &stored.uri, &ranged, Body::empty())
        .await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    for name in [
        "content-length",
        "etag",
        "content-type",
        "repr-digest",
        "content-disposition",
    ] {
        assert_eq!(head.header(name), whole.header(name), "{name}");
    }
}

#[tokio::test]
async fn missing_bytes_are_a_failure_of_ours() {
    let stored = Stored::new().await;
    let mut objects = stored.app.service.places.store().list(None).await.unwrap();
    while let Some(entry) = futures::StreamExt::next(&mut objects).await {
        stored
            .app
            .service
            .places
            .delete(&entry.unwrap().url)
            .await
            .unwrap();
    }
    assert_eq!(
        stored.get(&[]).await.problem(),
        (500, "internal".to_owned())
    );
}

#[tokio::test]
async fn nothing_at_all_is_content_too() {
    let app = App::start().await;
    let alice = app.alice().await;
    let id = alice.uploads("empty", "").await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    activate_all(&app).await;
    let answer = alice.get(&format!("/v1/documents/{id}/content")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-length")),
        (200, Some("0"))
    );
}
