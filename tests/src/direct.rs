//! Uploads straight to the storage, sent by a client that knows the signed URLs and nothing else.

use bytes::Bytes;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::app::{Answer, Client};

/// Begins an upload.
pub async fn begin(client: &Client, wanted: &Value) -> Answer {
    let begun = client.post_json("/v1/direct-uploads", wanted).await;
    begun.answer()
}

/// The path of an upload.
#[must_use]
pub fn path(upload: &Value) -> String {
    let id = upload["id"].as_str().expect("an upload has an id");
    format!("/v1/direct-uploads/{id}")
}

/// A PUT of bytes to a signed URL, without a token.
pub fn writing(url: &str, headers: &Value, bytes: Bytes) -> RequestBuilder {
    let client = reqwest::Client::builder().no_proxy().build();
    let client = client.expect("a client without TLS can be built");
    let request = client.request(Method::PUT, url);
    let request = request.header("content-length", bytes.len());
    let headers = headers.as_object().into_iter().flatten();
    let request = headers.fold(request, |request, (name, value)| {
        request.header(name, value.as_str().unwrap_or_default())
    });
    request.body(bytes)
}

/// Sends bytes to a signed URL.
pub async fn write(url: &str, headers: &Value, bytes: Bytes) -> Response {
    let sent = writing(url, headers, bytes).send().await;
    sent.expect("the storage answers")
}

/// The URL of an upload that is one request.
#[must_use]
pub fn url(upload: &Value) -> &str {
    upload["url"].as_str().expect("it is one request")
}

/// Sends the bytes of an upload, and returns what completes it.
pub async fn send(upload: &Value, bytes: &Bytes) -> Value {
    let headers = &upload["headers"];
    let Some(parts) = upload["parts"].as_array() else {
        let sent = write(url(upload), headers, bytes.clone()).await;
        let status = sent.status();
        assert!(status.is_success(), "{status} {:?}", sent.text().await);
        return json!({});
    };
    assert_eq!(upload["url"], Value::Null);
    let (mut written, mut at) = (Vec::new(), 0);
    for part in parts {
        let size = part["size_bytes"].as_u64().expect("a part has a size");
        let end = at + usize::try_from(size).expect("a part fits in memory");
        let url = part["url"].as_str().expect("a part has a URL");
        let sent = write(url, headers, bytes.slice(at..end)).await;
        let status = sent.status();
        assert!(status.is_success(), "{status} {:?}", sent.text().await);
        let tag = sent.headers().get("etag");
        let tag = tag.and_then(|tag| tag.to_str().ok()).unwrap_or_default();
        written.push(json!({"number": part["number"], "etag": tag}));
        at = end;
    }
    assert_eq!(at, bytes.len());
    json!({ "parts": written })
}

/// Completes an upload.
pub async fn complete(client: &Client, upload: &Value, body: &Value) -> Answer {
    let path = format!("{}/complete", path(upload));
    client.post_json(&path, body).await.answer()
}
