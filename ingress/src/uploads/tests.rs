//! Uploads of both forms, into a folder.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use domain::{ByteSize, Clock, Sha256, SystemClock, UserId};
use futures::{StreamExt, TryStreamExt};
use ledger::{Database, DatabaseUrl};
use poem::Body;
use poem::http::HeaderMap;
use storage::{StorageRouter, StorageUrl, Writer};
use telemetry::Meters;
use tempfile::TempDir;

use super::declared::Upload;
use super::destination::{Destination, Received};
use super::fields::{Purpose, QueryFields};
use super::in_flight::{Bounds, Held, InFlight};
use crate::problem::{Code, Problem};
use crate::tests::app::limits;

const MAX: u64 = 1_000_000;
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) struct Inbox {
    _folder: TempDir,
    to: Destination,
}

/// An upload of so few bytes that the ledger, which has no tables, is not asked.
async fn held(folder: &std::path::Path) -> Held {
    let url = DatabaseUrl::Sqlite(folder.join("ledger.sqlite"));
    let db = Database::connect(&url, 1).await.unwrap();
    let (clock, limits) = (Arc::new(SystemClock), Arc::new(limits()));
    let in_flight = InFlight::new(db, clock, limits, Meters::default());
    let bounds = Bounds {
        quota: u64::MAX,
        quota_limit: u64::MAX,
        staging: u64::MAX,
    };
    let owner = UserId::new(SystemClock.now());
    in_flight
        .begin(owner, ByteSize::ZERO, bounds)
        .await
        .unwrap()
}

impl Inbox {
    pub(super) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let url: StorageUrl = format!("file://{}", folder.path().display())
            .parse()
            .unwrap();
        let places = StorageRouter::connect(&url, &url).await.unwrap();
        Self {
            to: Destination {
                places,
                writer: Writer::Service,
                now: SystemClock.now(),
                patience: PATIENCE,
                held: held(folder.path()).await,
                inline: None,
            },
            _folder: folder,
        }
    }

    async fn receive(
        &self,
        headers: &[(&str, &str)],
        query: QueryFields,
        body: Body,
    ) -> Result<Received, Problem> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let headers: HeaderMap = headers.collect();
        Upload::read(&headers, ByteSize::new(MAX), body)?
            .receive(Purpose::Document(query), &self.to)
            .await
    }

    pub(super) async fn form(&self, body: impl Into<Body>) -> Result<Received, Problem> {
        self.receive(&[FORM], QueryFields::default(), body.into())
            .await
    }

    pub(super) async fn content(&self, received: &Received) -> Vec<u8> {
        let stream = self
            .to
            .places
            .open(&received.bytes.staged().url, None)
            .await
            .unwrap();
        stream
            .map_ok(|chunk| chunk.to_vec())
            .try_concat()
            .await
            .unwrap()
    }

    /// What is removed is removed in the background: waits for it.
    pub(super) async fn ends_empty(&self) {
        for _ in 0..200 {
            let staging: Arc<_> = Arc::clone(self.to.places.staging());
            if staging
                .list(None)
                .await
                .unwrap()
                .collect::<Vec<_>>()
                .await
                .is_empty()
            {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("staged bytes are left");
    }
}

const FORM: (&str, &str) = ("content-type", "multipart/form-data; boundary=X");

pub(super) fn part(header: &str, content: &str) -> String {
    format!("--X\r\nContent-Disposition: form-data; {header}\r\n\r\n{content}\r\n")
}

pub(super) fn file(content: &str) -> String {
    part(
        "name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain; charset=utf-8",
        content,
    )
}

fn named(name: &str) -> QueryFields {
    QueryFields {
        name: Some(name.to_owned()),
        ..QueryFields::default()
    }
}

fn digest(content: &[u8]) -> String {
    let encoded = base64::engine::general_purpose::STANDARD.encode(Sha256::of(content).as_bytes());
    format!("sha-256=:{encoded}:")
}

/// A body in chunks of `size`.
pub(super) fn chunked(body: String, size: usize) -> Body {
    let chunks: Vec<_> = body
        .into_bytes()
        .chunks(size)
        .map(Bytes::copy_from_slice)
        .collect();
    Body::from_bytes_stream(futures::stream::iter(
        chunks.into_iter().map(Ok::<_, std::io::Error>),
    ))
}

#[tokio::test]
async fn a_raw_body_is_staged_as_it_is() {
    let inbox = Inbox::new().await;
    let received = inbox
        .receive(
            &[("content-type", "text/plain")],
            named("a.txt"),
            "hello".into(),
        )
        .await
        .unwrap();
    assert_eq!(inbox.content(&received).await, b"hello");
    assert_eq!(
        received.declared_type.as_ref().unwrap().as_str(),
        "text/plain"
    );
    assert_eq!(received.bytes.staged().sha256, Sha256::of(b"hello"));
    assert_eq!(
        received.fields.into_new_document().unwrap().name.as_str(),
        "a.txt"
    );
}

#[tokio::test]
async fn a_form_is_read_however_it_is_cut() {
    let fields = [
        part("name=\"name\"", " b.txt "),
        part("name=\"metadata\"", "{\"a\": 1}"),
    ];
    let content = "line\r\n--\r\n--Y\r\n".repeat(50);
    let body = format!(
        "{}{}{}--X--\r\nepilogue",
        fields[0],
        file(&content),
        fields[1]
    );
    let inbox = Inbox::new().await;
    for size in [1, 2, 3, 7, 64, 1000, body.len()] {
        let received = inbox.form(chunked(body.clone(), size)).await.unwrap();
        assert_eq!(
            inbox.content(&received).await,
            content.as_bytes(),
            "chunks of {size}"
        );
        assert_eq!(
            received.declared_type.as_ref().unwrap().as_str(),
            "text/plain"
        );
        let document = received.fields.into_new_document().unwrap();
        assert_eq!(document.name.as_str(), "b.txt");
        assert_eq!(document.metadata.as_object()["a"], 1);
    }
}

#[tokio::test]
async fn nothing_is_left_of_a_form_that_fails_after_its_file() {
    let inbox = Inbox::new().await;
    let cases = [
        (
            format!("{}{}--X--\r\n", file("x"), part("name=\"color\"", "red")),
            Code::Invalid,
        ),
        (
            format!(
                "{}{}--X--\r\n",
                file("x"),
                part("name=\"is_public\"", "perhaps")
            ),
            Code::Invalid,
        ),
        (
            format!("{}{}--X--\r\n", file("x"), file("y")),
            Code::Invalid,
        ),
        (
            format!(
                "{}{}--X--\r\n",
                file("x"),
                part("name=\"name\"", &"n".repeat(5000))
            ),
            Code::Invalid,
        ),
        (file("x"), Code::BadMultipart),
        (format!("{}--X", file("x")), Code::BadMultipart),
    ];
    for (body, expected) in cases {
        let problem = inbox.form(body.clone()).await.unwrap_err();
        assert_eq!(problem.code(), expected, "{body}");
        inbox.ends_empty().await;
    }
}

#[tokio::test]
async fn a_form_without_a_file_is_refused() {
    let inbox = Inbox::new().await;
    let problem = inbox
        .form(format!("{}--X--\r\n", part("name=\"name\"", "a")))
        .await
        .unwrap_err();
    assert_eq!(problem.pointers_for_tests(), ["/file"]);
    assert_eq!(
        inbox.form("nonsense").await.unwrap_err().code(),
        Code::BadMultipart
    );
    assert_eq!(inbox.form("").await.unwrap_err().code(), Code::BadMultipart);
}

#[tokio::test]
async fn a_form_cannot_fill_the_memory_with_what_is_no_file() {
    let inbox = Inbox::new().await;
    let endless = |start: &str| {
        let start = Bytes::from(start.to_owned());
        let filler = futures::stream::repeat(Bytes::from(vec![b'a'; 65536]));
        Body::from_bytes_stream(
            futures::stream::iter([start])
                .chain(filler)
                .map(Ok::<_, std::io::Error>),
        )
    };
    for start in [
        "",
        "--X\r\nContent-Disposition: form-data; name=\"file\"; a=\"",
    ] {
        assert_eq!(
            inbox.form(endless(start)).await.unwrap_err().code(),
            Code::TooLarge,
            "{start}"
        );
    }
}

#[tokio::test]
async fn a_document_that_turns_out_too_large_is_refused() {
    let inbox = Inbox::new().await;
    let content = "x".repeat(usize::try_from(MAX).unwrap() + 1);
    let raw = inbox
        .receive(&[], named("a"), chunked(content.clone(), 65536))
        .await;
    assert_eq!(raw.unwrap_err().code(), Code::TooLarge);
    let form = inbox
        .form(chunked(format!("{}--X--\r\n", file(&content)), 65536))
        .await;
    assert_eq!(form.unwrap_err().code(), Code::TooLarge);
    inbox.ends_empty().await;
}

#[tokio::test]
async fn a_promised_digest_must_be_kept() {
    let inbox = Inbox::new().await;
    for (promised, kept) in [(digest(b"hello"), true), (digest(b"other"), false)] {
        let headers = [("content-digest", promised.as_str())];
        let outcome = inbox.receive(&headers, named("a"), "hello".into()).await;
        assert_eq!(
            outcome.map(drop).map_err(|problem| problem.code()),
            if kept {
                Ok(())
            } else {
                Err(Code::DigestMismatch)
            }
        );
    }
    let part = format!(
        "name=\"file\"; filename=\"a\"\r\nRepr-Digest: {}",
        digest(b"hello")
    );
    let good = format!("{}--X--\r\nepilogue", self::part(&part, "hello"));
    let whole = digest(good.as_bytes());
    let headers = [FORM, ("content-digest", whole.as_str())];
    assert!(
        inbox
            .receive(&headers, QueryFields::default(), chunked(good.clone(), 5))
            .await
            .is_ok()
    );
    let other = [FORM, ("content-digest", &digest(b"hello"))];
    let mismatch = inbox
        .receive(&other, QueryFields::default(), good.into())
        .await
        .unwrap_err();
    assert_eq!(mismatch.code(), Code::DigestMismatch);
    let bad = format!("{}--X--\r\n", self::part(&part, "HELLO"));
    assert_eq!(
        inbox.form(bad).await.unwrap_err().code(),
        Code::DigestMismatch
    );
    inbox.ends_empty().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_nothing() {
    let inbox = Inbox::new().await;
    let broken = || {
        let chunks = [
            Ok(Bytes::from_static(b"abc")),
            Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
        ];
        Body::from_bytes_stream(futures::stream::iter(chunks))
    };
    let problem = inbox.receive(&[], named("a"), broken()).await.unwrap_err();
    assert_eq!(problem.code(), Code::UploadIncomplete);
    inbox.ends_empty().await;
}
