//! A client of the API, for tests that read aloud. What isn't the matter of a test, such as waiting and
//! downloading, is done by the client library; requests that change something are sent as written, since
//! the library gives each an idempotency key, and by another client, which shares no mistakes with ours.

use std::sync::OnceLock;
use std::time::Duration;

use ::client::{ClientBuilder, Uuid};
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt as _;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// How long a document or an operation may take, and a request without progress.
const PATIENCE: Duration = Duration::from_mins(5);

/// A caller of the API.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    strict: OnceLock<::client::Client>,
    base: String,
    token: Option<String>,
    /// The id of the user, if the test created one.
    pub user: Option<String>,
}

/// A response, read completely.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// The content of an upload.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    /// The document's name.
    pub name: String,
    /// The declared media type.
    pub content_type: Option<String>,
    /// The bytes.
    pub bytes: Bytes,
}

impl Upload {
    /// An upload of these bytes under this name.
    pub fn new(name: &str, bytes: impl Into<Bytes>) -> Self {
        Self {
            name: name.to_owned(),
            content_type: None,
            bytes: bytes.into(),
        }
    }
}

impl Answer {
    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        domain::read_json(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.text()))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header, if present.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The JSON body of a response, asserting its status.
    #[track_caller]
    pub fn expecting(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        if self.body.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// Asserts a problem with this status and code.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, code: &str) {
        let problem = self.expecting(status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{problem}"
        );
        assert_eq!(problem["type"], format!("/problems/{code}"));
        assert_eq!(problem["status"], status);
        assert!(problem["request_id"].is_string(), "{problem}");
    }
}

/// A response whose status is yet to be checked.
#[derive(Debug)]
pub struct Pending(Answer);

impl Pending {
    /// The JSON body, asserting the status.
    #[track_caller]
    pub fn expect_status(self, status: u16) -> std::future::Ready<Value> {
        std::future::ready(self.0.expecting(status))
    }

    /// The whole response.
    #[must_use]
    pub fn answer(self) -> Answer {
        self.0
    }
}

impl Client {
    pub(super) fn new(base: &str, token: Option<&str>) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            // Redirects of downloads lead to storage.
            .redirect(Policy::custom(|attempt| match attempt.status() {
                StatusCode::TEMPORARY_REDIRECT => attempt.stop(),
                _ => attempt.follow(),
            }))
            .build()
            .expect("a client without TLS can be built");
        Self {
            http,
            strict: OnceLock::new(),
            base: base.to_owned(),
            token: token.map(str::to_owned),
            user: None,
        }
    }

    /// An unauthenticated client of the process that listens at `base`.
    #[must_use]
    pub fn speaking_for_nobody(base: &str) -> Self {
        Self::new(base, None)
    }

    /// A client with a token for the process that listens at `base`.
    #[must_use]
    pub fn with_token(base: &str, token: &str) -> Self {
        Self::new(base, Some(token))
    }

    /// The same client for the process that listens at `base`.
    #[must_use]
    pub fn speaking_to(&self, base: &str) -> Self {
        Self {
            base: base.to_owned(),
            strict: OnceLock::new(),
            ..self.clone()
        }
    }

    /// The library's client, as programs of users have it: typed, and it tries again.
    #[must_use]
    pub fn library(&self) -> ::client::Client {
        let built = self.builder().build();
        built.expect("the harness has a URL and a key")
    }

    /// The library's client that tries once: a test notices each refusal.
    fn strict(&self) -> &::client::Client {
        self.strict.get_or_init(|| {
            let built = self.builder().attempts(1).patience(PATIENCE).build();
            built.expect("the harness has a URL and a key")
        })
    }

    fn builder(&self) -> ClientBuilder {
        let builder = ::client::Client::builder(&self.base);
        match &self.token {
            Some(token) => builder.key(token),
            None => builder,
        }
    }

    /// A request with this client's token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    /// Sends a request and reads the whole response.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.expect("the service answers")
    }

    /// Sends a request that may fail, as while the service is down.
    pub async fn try_send(&self, request: RequestBuilder) -> Result<Answer, reqwest::Error> {
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Answer {
            status,
            headers,
            body: response.bytes().await?,
        })
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// POST with a JSON body.
    pub async fn post_json(&self, path: &str, body: &Value) -> Pending {
        Pending(self.send(self.request(Method::POST, path).json(body)).await)
    }

    /// PATCH with a JSON body.
    pub async fn patch_json(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(body))
            .await
    }

    /// Uploads as a raw body, whatever the response.
    pub async fn try_upload(&self, upload: Upload) -> Result<Answer, reqwest::Error> {
        let content_type = upload
            .content_type
            .unwrap_or_else(|| "application/octet-stream".to_owned());
        let request = self
            .request(Method::POST, "/v1/documents")
            .query(&[("name", &upload.name)])
            .header("content-type", content_type)
            .body(upload.bytes);
        self.try_send(request).await
    }

    /// Uploads as a raw body, asserting acceptance. Returns the pending document.
    pub async fn uploads(&self, name: &str, bytes: impl Into<Bytes>) -> Value {
        let answer = self
            .try_upload(Upload::new(name, bytes))
            .await
            .expect("the service answers");
        let document = answer.expecting(202);
        assert_eq!(document["status"], "pending");
        document
    }

    /// Uploads a document that passes the pipeline, and waits until it is active.
    pub async fn active(&self, name: &str, bytes: impl Into<Bytes>) -> Value {
        let pending = self.uploads(name, bytes).await;
        let document = self.settled(&pending).await;
        assert_eq!(document["status"], "active", "{document}");
        document
    }

    /// Waits until the document is no longer `pending`.
    pub async fn settled(&self, document: &Value) -> Value {
        let (library, id) = (self.strict(), id_of(document));
        let settled = library.wait_for_document(id, PATIENCE).await;
        json!(settled.expect("it is settled"))
    }

    /// Starts a bulk operation, asserting acceptance.
    pub async fn asks_for(&self, operation: &Value) -> Value {
        let accepted = self.post_json("/v1/operations", operation).await;
        accepted.expect_status(202).await
    }

    /// Starts a bulk operation, and waits until it has ended.
    pub async fn runs(&self, operation: &Value) -> Value {
        let accepted = self.asks_for(operation).await;
        self.ended(&accepted).await
    }

    /// Waits until the operation has ended.
    pub async fn ended(&self, operation: &Value) -> Value {
        let (library, id) = (self.strict(), id_of(operation));
        let ended = library.wait_for_operation(id, PATIENCE).await;
        json!(ended.expect("it ends"))
    }

    /// All items of a list, page by page.
    pub async fn all(&self, list: &str) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        let joint = if list.contains('?') { '&' } else { '?' };
        loop {
            let page = self.get(&format!("{list}{cursor}")).await.expecting(200);
            all.extend(page["items"].as_array().expect("a page").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("{joint}cursor={next}"),
                None => return all,
            }
        }
    }

    /// All items of the operation.
    pub async fn items_of(&self, operation: &Value) -> Vec<Value> {
        let items = self.strict().operation_items(id_of(operation), None);
        let items: Result<Vec<_>, _> = items.map_ok(|item| json!(item)).try_collect().await;
        items.expect("the service lists items")
    }

    /// The result of each item of an operation: its name, result and code.
    pub async fn item_outcomes(&self, operation: &Value) -> Vec<(String, String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let items = self.items_of(operation).await.into_iter();
        items
            .map(|item| {
                ["name", "result", "code"]
                    .map(|field| text(&item[field]))
                    .into()
            })
            .collect()
    }

    /// Uploads an archive to import, asserting acceptance.
    pub async fn begins_import(&self, archive: impl Into<Bytes>, query: &str) -> Value {
        let request = self
            .request(Method::POST, &format!("/v1/operations/import{query}"))
            .header("content-type", "application/zip")
            .body(archive.into());
        self.send(request).await.expecting(202)
    }

    /// Imports an archive, and waits until the import has ended.
    pub async fn imports(&self, archive: impl Into<Bytes>, query: &str) -> Value {
        let accepted = self.begins_import(archive, query).await;
        self.ended(&accepted).await
    }

    /// The document's bytes, held against their digest.
    pub async fn downloads(&self, document: &Value) -> Bytes {
        let content = self.strict().content(id_of(document)).await;
        let (mut content, mut bytes) = (content.expect("it can be read"), BytesMut::new());
        while let Some(chunk) = content.chunk().await.expect("it can be read") {
            bytes.extend_from_slice(&chunk);
        }
        bytes.freeze()
    }
}

/// The id of a document or an operation.
fn id_of(resource: &Value) -> Uuid {
    let id = resource["id"].as_str().and_then(|id| id.parse().ok());
    id.unwrap_or_else(|| panic!("no id: {resource}"))
}

/// The URL of the archive of an export.
#[must_use]
pub fn result_path(operation: &Value) -> String {
    let id = operation["id"].as_str().expect("an operation has an id");
    format!("/v1/operations/{id}/result")
}
