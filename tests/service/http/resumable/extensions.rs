//! The extensions of tus 1.0.0, request by request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::Method;
use tests::app::{Client, Mode, TestApp};
use tests::content::{PDF, pseudo_random};
use tests::in_both_modes;
use tests::tus::{self, OFFSET_STREAM, append, creation, metadata, number, request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[in_both_modes]
async fn bytes_may_come_with_the_creation(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let create = creation(&alice, "report.pdf", PDF.len());
    let create = create.header("content-type", OFFSET_STREAM);
    let whole = alice.send(create.body(PDF)).await;
    whole.expecting(201);
    assert_eq!(number(&whole, "upload-offset"), PDF.len());
    let document = tus::document(&alice, &whole).await;
    assert_eq!(document["mime_type"], "application/pdf");

    let create = creation(&alice, "report.pdf", PDF.len());
    let create = create.header("content-type", OFFSET_STREAM);
    let part = alice.send(create.body(&PDF[..10])).await;
    part.expecting(201);
    assert_eq!(number(&part, "upload-offset"), 10);
    let path = part.header("location").to_owned();
    let rest = tus::patch(&alice, &path, 10, Bytes::from_static(&PDF[10..])).await;
    let document = tus::document(&alice, &rest).await;
    assert_eq!(document["size_bytes"], PDF.len());

    let nothing = alice.send(creation(&alice, "empty", 0)).await;
    nothing.expecting(201);
    let document = tus::document(&alice, &nothing).await;
    assert_eq!(document["mime_type"], "application/x-empty");
    app.ends_clean().await;
}

#[in_both_modes]
async fn the_length_may_come_later(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let create = request(&alice, Method::POST, "/v1/uploads")
        .header("upload-defer-length", 1)
        .header("upload-metadata", metadata(&[("filename", "noise.bin")]));
    let created = alice.send(create).await;
    created.expecting(201);
    let path = created.header("location").to_owned();
    let bytes = pseudo_random(3, 5_000);
    tus::patch(&alice, &path, 0, bytes.slice(..4_000))
        .await
        .expecting(204);
    let head = tus::head(&alice, &path).await;
    assert_eq!(head.header("upload-defer-length"), "1");
    assert_eq!(head.header("upload-length"), "");
    let usage = alice.get("/v1/usage").await.expecting(200);
    assert!(usage["bytes"]["reserved"].as_u64().unwrap() >= 4_000);
    // A request that is refused declares nothing.
    let beyond = append(&alice, &path, 4_000, bytes.slice(4_000..4_500));
    let beyond = alice.send(beyond.header("upload-length", 4_499)).await;
    beyond.expect_problem(413, "too_large");
    assert_eq!(tus::head(&alice, &path).await.header("upload-length"), "");
    let declare = append(&alice, &path, 4_000, bytes.slice(4_000..4_500));
    let declared = alice.send(declare.header("upload-length", 5_000)).await;
    declared.expecting(204);
    let head = tus::head(&alice, &path).await;
    assert_eq!(number(&head, "upload-length"), 5_000);
    assert_eq!(head.header("upload-defer-length"), "");
    let usage = alice.get("/v1/usage").await.expecting(200);
    assert_eq!(usage["bytes"]["reserved"], 5_000);
    let other = append(&alice, &path, 4_500, bytes.slice(4_500..));
    let other = alice.send(other.header("upload-length", 6_000)).await;
    other.expect_problem(400, "bad_request");
    let last = tus::patch(&alice, &path, 4_500, bytes.slice(4_500..)).await;
    let document = tus::document(&alice, &last).await;
    assert!(alice.downloads(&document).await == bytes);
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_checksum_is_verified_before_bytes_count(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let path = tus::create(&alice, "hello.txt", 10).await;
    let checked = |bytes: &'static str, checksum: &str| {
        append(&alice, &path, 0, bytes).header("upload-checksum", checksum.to_owned())
    };
    let sha1 = "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=";
    let refused = alice.send(checked("jello", sha1)).await;
    refused.expect_problem(460, "checksum_mismatch");
    assert_eq!(tus::offset(&alice, &path).await, 0);
    for malformed in ["sha512 AAAA", "sha1", "sha1 !"] {
        let refused = alice.send(checked("hello", malformed)).await;
        assert!(refused.status.is_client_error(), "{malformed}");
        assert_eq!(tus::offset(&alice, &path).await, 0);
    }
    let accepted = alice.send(checked("hello", sha1)).await;
    accepted.expecting(204);
    let crc32 = format!("crc32 {}", STANDARD.encode(crc32(b"hello").to_be_bytes()));
    let last = append(&alice, &path, 5, "hello").header("upload-checksum", crc32);
    let document = tus::document(&alice, &alice.send(last).await).await;
    assert_eq!(alice.downloads(&document).await, "hellohello");
    app.ends_clean().await;
}

/// Sends "hello" with a checksum behind it, and returns the status.
async fn sends_with_trailer(app: &TestApp, client: &Client, path: &str, checksum: &str) -> String {
    let address = app.ingress().api();
    let address = address.trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).await.unwrap();
    let built = append(client, path, 0, Vec::new()).build().unwrap();
    let token = built.headers()["authorization"]
        .to_str()
        .unwrap()
        .to_owned();
    let request = format!(
        "PATCH {path} HTTP/1.1\r\nhost: test\r\nauthorization: {token}\r\ntus-resumable: 1.0.0\r\n\
         upload-offset: 0\r\ncontent-type: {OFFSET_STREAM}\r\ntransfer-encoding: chunked\r\n\
         trailer: Upload-Checksum\r\nconnection: close\r\n\r\n\
         5\r\nhello\r\n0\r\nUpload-Checksum: {checksum}\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[in_both_modes]
async fn a_checksum_may_be_a_trailer(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let path = tus::create(&alice, "hello.txt", 5).await;
    let wrong = "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert_eq!(sends_with_trailer(&app, &alice, &path, wrong).await, "460");
    assert_eq!(tus::offset(&alice, &path).await, 0);
    let right = "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=";
    assert_eq!(sends_with_trailer(&app, &alice, &path, right).await, "204");
    let document = tus::document(&alice, &tus::head(&alice, &path).await).await;
    assert_eq!(alice.downloads(&document).await, "hello");
    app.ends_clean().await;
}

/// Bit by bit (ISO-HDLC).
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), step);
    !bytes.iter().fold(!0, byte)
}

#[in_both_modes]
async fn an_upload_is_ended_by_its_client(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let path = tus::create(&alice, "noise.bin", 1_000).await;
    tus::patch(&alice, &path, 0, pseudo_random(1, 500))
        .await
        .expecting(204);
    let ended = alice.send(request(&alice, Method::DELETE, &path)).await;
    ended.expecting(204);
    tus::patch(&alice, &path, 500, pseudo_random(1, 500))
        .await
        .expect_problem(404, "not_found");
    assert_eq!(tus::head(&alice, &path).await.status.as_u16(), 404);
    let usage = alice.get("/v1/usage").await.expecting(200);
    assert_eq!(usage["bytes"]["reserved"], 0);
    app.ends_clean().await;
}

#[in_both_modes]
async fn options_tell_what_there_is(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_CORS_ORIGINS", "https://app.example.org")])
        .start()
        .await;
    let nobody = app.nobody();
    for path in [
        "/v1/uploads",
        "/v1/uploads/0190a5c0-0000-7000-8000-0000000000ff",
    ] {
        let told = nobody.send(nobody.request(Method::OPTIONS, path)).await;
        assert_eq!(told.status.as_u16(), 204);
        assert_eq!(told.header("tus-version"), "1.0.0");
        assert_eq!(number(&told, "tus-max-size"), 5 << 30);
        assert_eq!(
            told.header("tus-checksum-algorithm"),
            "sha1,sha256,md5,crc32"
        );
        for extension in [
            "creation",
            "creation-with-upload",
            "creation-defer-length",
            "expiration",
            "checksum",
            "checksum-trailer",
            "termination",
            "concatenation",
        ] {
            let mut extensions = told.header("tus-extension").split(',');
            assert!(extensions.any(|known| known == extension), "{extension}");
        }
    }
    let preflight = nobody
        .request(Method::OPTIONS, "/v1/uploads")
        .header("origin", "https://app.example.org")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "tus-resumable,upload-length,upload-metadata",
        );
    let allowed = nobody.send(preflight).await;
    let names = allowed
        .header("access-control-allow-headers")
        .to_lowercase();
    for name in [
        "tus-resumable",
        "upload-length",
        "upload-offset",
        "upload-metadata",
        "upload-checksum",
    ] {
        assert!(names.contains(name), "{name}");
    }
    let alice = app.user("alice").await;
    let create = creation(&alice, "a", 1).header("origin", "https://app.example.org");
    let created = alice.send(create).await;
    let exposed = created
        .header("access-control-expose-headers")
        .to_lowercase();
    for name in [
        "location",
        "upload-offset",
        "upload-length",
        "tus-resumable",
        "dossier-document",
    ] {
        assert!(exposed.contains(name), "{name}");
    }
}
