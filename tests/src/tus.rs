//! The requests of tus 1.0.0, as a client without a library would write them.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::{Body, Method, RequestBuilder};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app::{Answer, Client};

/// The media type of appended bytes.
pub const OFFSET_STREAM: &str = "application/offset+octet-stream";

/// `Upload-Metadata` of these pairs.
#[must_use]
pub fn metadata(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter();
    let pairs = pairs.map(|(key, value)| format!("{key} {}", STANDARD.encode(value)));
    pairs.collect::<Vec<_>>().join(",")
}

/// A request that names the version of tus.
pub fn request(client: &Client, method: Method, path: &str) -> RequestBuilder {
    let request = client.request(method, path);
    request.header("tus-resumable", "1.0.0")
}

/// A creation of an upload of `length` bytes under a name.
pub fn creation(client: &Client, name: &str, length: usize) -> RequestBuilder {
    request(client, Method::POST, "/v1/uploads")
        .header("upload-length", length)
        .header("upload-metadata", metadata(&[("filename", name)]))
}

/// Creates an upload, and returns its path.
pub async fn create(client: &Client, name: &str, length: usize) -> String {
    let created = client.send(creation(client, name, length)).await;
    created.expecting(201);
    created.header("location").to_owned()
}

/// A creation of a part of `length` bytes.
pub fn partial(client: &Client, length: usize) -> RequestBuilder {
    request(client, Method::POST, "/v1/uploads")
        .header("upload-concat", "partial")
        .header("upload-length", length)
}

/// A creation of an upload that joins the parts at these paths.
pub fn joined(client: &Client, name: &str, paths: &[&str]) -> RequestBuilder {
    request(client, Method::POST, "/v1/uploads")
        .header("upload-concat", format!("final;{}", paths.join(" ")))
        .header("upload-metadata", metadata(&[("filename", name)]))
}

/// An append at `offset`.
pub fn append(
    client: &Client,
    path: &str,
    offset: usize,
    bytes: impl Into<Body>,
) -> RequestBuilder {
    request(client, Method::PATCH, path)
        .header("upload-offset", offset)
        .header("content-type", OFFSET_STREAM)
        .body(bytes)
}

/// Appends at `offset`.
pub async fn patch(client: &Client, path: &str, offset: usize, bytes: Bytes) -> Answer {
    client.send(append(client, path, offset, bytes)).await
}

/// Sends the head of a request that announces so many bytes, some of them, and nothing more. Returns
/// once the service has noticed.
pub async fn breaks_off(request: RequestBuilder, announced: usize, sent: &[u8]) {
    let mut connection = begins(request, announced, sent).await;
    connection.shutdown().await.expect("the service reads");
    let mut rest = Vec::new();
    let _ = connection.read_to_end(&mut rest).await;
}

/// Sends as much, and is gone.
pub async fn goes_away(request: RequestBuilder, announced: usize, sent: &[u8]) {
    drop(begins(request, announced, sent).await);
}

async fn begins(request: RequestBuilder, announced: usize, sent: &[u8]) -> TcpStream {
    let request = request.build().expect("a request");
    let url = request.url();
    let address = (url.host_str().unwrap_or_default(), url.port().unwrap_or(80));
    let mut head = format!(
        "{} {} HTTP/1.1\r\nhost: test\r\n",
        request.method(),
        url.path()
    );
    for (name, value) in request.headers() {
        let value = value.to_str().expect("a field of text");
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let _ = write!(head, "content-length: {announced}\r\n\r\n");
    let mut connection = TcpStream::connect(address)
        .await
        .expect("the service listens");
    let written = async {
        connection.write_all(head.as_bytes()).await?;
        connection.write_all(sent).await
    };
    written.await.expect("the service reads");
    connection
}

/// Asks where an upload goes on.
pub async fn head(client: &Client, path: &str) -> Answer {
    client.send(request(client, Method::HEAD, path)).await
}

/// Where an upload goes on.
pub async fn offset(client: &Client, path: &str) -> usize {
    let answer = head(client, path).await;
    assert_eq!(answer.status.as_u16(), 200, "{path}");
    number(&answer, "upload-offset")
}

/// A field that is a number.
#[must_use]
pub fn number(answer: &Answer, field: &str) -> usize {
    let number = answer.header(field).parse();
    number.unwrap_or_else(|_| panic!("{field}: {:?}", answer.headers))
}

/// The document that an upload became, once it is active.
pub async fn document(client: &Client, last: &Answer) -> Value {
    let id = last.header("dossier-document");
    assert!(!id.is_empty(), "{:?}", last.headers);
    client.settled(&serde_json::json!({"id": id})).await
}
