//! Operations, as a client of a test asks for them and waits for their end.

use bytes::Bytes;
use reqwest::Method;
use serde_json::Value;

use crate::app::Client;

/// Asks for an operation and waits for its end.
pub async fn operation(client: &Client, body: &Value) -> Value {
    let asked = client.post_json("/v1/operations", body).await;
    ended(client, &asked.expect_status(202).await).await
}

/// Imports an archive and waits for the end.
pub async fn import(client: &Client, archive: impl Into<Bytes>, query: &str) -> Value {
    let asked = begun_import(client, archive, query).await;
    ended(client, &asked).await
}

/// Imports an archive.
pub async fn begun_import(client: &Client, archive: impl Into<Bytes>, query: &str) -> Value {
    let request = client
        .request(Method::POST, &format!("/v1/operations/import{query}"))
        .header("content-type", "application/zip")
        .body(archive.into());
    client.send(request).await.expecting(202)
}

/// Waits for the end of an operation.
pub async fn ended(client: &Client, operation: &Value) -> Value {
    let path = format!("/v1/operations/{}?wait=60", id_of(operation));
    loop {
        let operation = client.get(&path).await.expecting(200);
        if operation["finished_at"].is_string() {
            return operation;
        }
    }
}

/// The items of an operation: name, result, code.
pub async fn items(client: &Client, operation: &Value) -> Vec<(String, String, String)> {
    let path = format!("/v1/operations/{}/items?limit=200", id_of(operation));
    let page = client.get(&path).await.expecting(200);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let items = page["items"].as_array().expect("a page has items").iter();
    items
        .map(|item| {
            (
                text(&item["name"]),
                text(&item["result"]),
                text(&item["code"]),
            )
        })
        .collect()
}

/// Where the archive of an export is.
#[must_use]
pub fn result_path(operation: &Value) -> String {
    format!("/v1/operations/{}/result", id_of(operation))
}

fn id_of(operation: &Value) -> &str {
    operation["id"].as_str().expect("an operation has an id")
}
