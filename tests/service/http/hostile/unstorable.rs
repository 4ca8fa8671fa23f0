//! Text that no database can hold, sent wherever text is taken: an answer of the client's fault,
//! the same on both databases, and never one of ours.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::app::{Answer, Client, Mode, TestApp};
use tests::archives::made_by;
use tests::content::PDF;
use tests::in_both_modes;

const UNKNOWN: &str = "0190a5c0-0000-7000-8000-000000000000";

/// An operation of the API, as its document describes it.
pub struct Operation {
    pub method: Method,
    pattern: String,
    path_parameters: Vec<String>,
    query_parameters: Vec<String>,
    /// The members of its JSON body.
    pub members: Option<BTreeSet<String>>,
}

impl Operation {
    /// Its path with `value` for one parameter, and something legal for the others.
    pub fn path_with(&self, parameter: Option<(&str, &str)>) -> String {
        self.path_parameters
            .iter()
            .fold(self.pattern.clone(), |path, name| {
                let legal = if name.ends_with("id") { UNKNOWN } else { "1" };
                let value = parameter
                    .filter(|(wanted, _)| wanted == name)
                    .map_or(legal, |(_, value)| value);
                path.replace(&format!("{{{name}}}"), value)
            })
    }
}

/// Every operation.
pub async fn operations(app: &TestApp) -> Vec<Operation> {
    let document = app.nobody().get("/openapi.json").await.expecting(200);
    let mut operations = Vec::new();
    for (pattern, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "patch", "delete"] {
            let Some(operation) = item.get(method) else {
                continue;
            };
            let parameters = |place: &str| {
                let all = operation["parameters"].as_array().into_iter().flatten();
                let those = all.filter(|parameter| parameter["in"] == place);
                those
                    .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
                    .collect()
            };
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            operations.push(Operation {
                method: method.to_uppercase().parse().unwrap(),
                pattern: pattern.clone(),
                path_parameters: parameters("path"),
                query_parameters: parameters("query"),
                members: schema.is_object().then(|| members(&document, schema)),
            });
        }
    }
    operations
}

/// The members of a body, whichever of several shapes it has.
fn members(document: &Value, schema: &Value) -> BTreeSet<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return members(document, &document["components"]["schemas"][name]);
    }
    let own = schema["properties"].as_object().into_iter().flatten();
    let mut found: BTreeSet<_> = own.map(|(name, _)| name.clone()).collect();
    for several in ["allOf", "anyOf", "oneOf"] {
        for one in schema[several].as_array().into_iter().flatten() {
            found.extend(members(document, one));
        }
    }
    found
}

/// Sends a JSON body.
pub async fn send(client: &Client, operation: &Operation, path: &str, body: &str) -> Answer {
    let request = client.request(operation.method.clone(), path);
    let request = request.header("content-type", "application/json");
    client.send(request.body(body.to_owned())).await
}

/// Asserts that it is the client's fault, at `pointer`.
#[track_caller]
fn invalid_at(answer: &Answer, pointer: &str, sent: &str) {
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{sent}: {}",
        answer.text()
    );
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    let named = |error: &Value| error["pointer"].as_str().unwrap().contains(pointer);
    assert!(errors.iter().any(named), "{sent}: {errors:?}");
}

#[in_both_modes]
async fn no_path_and_no_query_of_any_route_takes_it(mode: Mode) {
    let app = TestApp::start(mode).await;
    let admin = app.admin();
    for operation in operations(&app).await {
        for name in &operation.path_parameters {
            for value in ["%00", "a%00b", "%FF", "%ED%A0%80"] {
                let path = operation.path_with(Some((name, value)));
                let answer = send(&admin, &operation, &path, "{}").await;
                assert_eq!(
                    answer.status,
                    StatusCode::NOT_FOUND,
                    "{} {path}: {}",
                    operation.method,
                    answer.text()
                );
            }
        }
        for name in &operation.query_parameters {
            for value in ["%00", "a%00b", "%FF"] {
                let path = format!("{}?{name}={value}", operation.path_with(None));
                invalid_at(&send(&admin, &operation, &path, "{}").await, name, &path);
            }
        }
    }
}

#[in_both_modes]
async fn no_json_body_of_any_route_takes_it(mode: Mode) {
    let app = TestApp::start(mode).await;
    let admin = app.admin();
    let mut asked = 0;
    for operation in operations(&app).await {
        let path = operation.path_with(None);
        for member in operation.members.iter().flatten() {
            let pointer = format!("/{member}");
            for value in [
                json!("a\u{0}"),
                json!({"x": {"\u{0}": 1}}),
                json!([[{"y": "\u{0}"}]]),
            ] {
                let body = json!({member: value}).to_string();
                invalid_at(
                    &send(&admin, &operation, &path, &body).await,
                    &pointer,
                    &format!("{path} {body}"),
                );
                asked += 1;
            }
            let lone = format!("{{\"{member}\":\"\\ud800\"}}");
            send(&admin, &operation, &path, &lone)
                .await
                .expect_problem(400, "bad_json");
        }
        if operation.members.is_some() {
            invalid_at(
                &send(&admin, &operation, &path, "{\"\\u0000\":1}").await,
                "/\u{0}",
                &path,
            );
            // What is kept of it for a repetition can be kept.
            for _ in 0..2 {
                let request = admin
                    .request(operation.method.clone(), &path)
                    .header("idempotency-key", path.clone());
                let answer = admin.send(request.json(&json!({"\u{0}": 1}))).await;
                invalid_at(&answer, "/\u{0}", &path);
            }
        }
    }
    assert!(asked > 30, "{asked}");
}

#[in_both_modes]
async fn no_upload_and_no_cursor_takes_it(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let raw = alice
        .request(
            Method::POST,
            "/v1/documents?name=a&metadata=%7B%22a%22%3A%22%5Cu0000%22%7D",
        )
        .body(PDF);
    invalid_at(&alice.send(raw).await, "metadata", "raw");
    for (part, pointer) in [
        ("name=\"name\"\r\n\r\na\0", "/name"),
        ("name=\"metadata\"\r\n\r\n{\"a\":\"\\u0000\"}", "/metadata"),
        ("name=\"unique_name\"\r\n\r\nabc\0", "/unique_name"),
    ] {
        let body = format!(
            "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello\r\n\
                 --X\r\nContent-Disposition: form-data; {part}\r\n--X--\r\n"
        );
        let request = alice
            .request(Method::POST, "/v1/documents")
            .header("content-type", "multipart/form-data; boundary=X")
            .body(body);
        let answer = alice.send(request).await;
        invalid_at(&answer, pointer.trim_start_matches('/'), part);
    }
    for name in ["a", "b"] {
        alice.uploads(name, PDF).await;
    }
    let page = alice
        .get("/v1/documents?limit=1&sort=name")
        .await
        .expecting(200);
    let mut cursor = URL_SAFE_NO_PAD
        .decode(page["next_cursor"].as_str().unwrap())
        .unwrap();
    cursor.push(0);
    let path = format!(
        "/v1/documents?limit=1&sort=name&cursor={}",
        URL_SAFE_NO_PAD.encode(cursor)
    );
    invalid_at(&alice.get(&path).await, "cursor", &path);
}

#[in_both_modes]
async fn no_archive_brings_it_in(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let archive = made_by(
        r"
import json, hashlib
def document(path, **changes):
    known = {'path': path, 'name': path, 'mime_type': 'text/plain', 'declared_type': 'text/plain',
             'sha256': hashlib.sha256(path.encode()).hexdigest(), 'size_bytes': len(path), 'metadata': {}}
    return {**known, **changes}
documents = [
    document('well'), document('name', name='a\0b'), document('type', declared_type='text/\0plain'),
    document('data', metadata={'a': ['\0']}), document('key', metadata={'\0': 1}),
    document('digest', sha256='\0'), document('\0'), document('mime', mime_type='\0'),
]
with zipfile.ZipFile(path, 'w') as z:
    for name in ['well', 'name', 'type', 'data', 'key', 'digest', 'mime']: z.writestr(name, name)
    odd = zipfile.ZipInfo('odd'); odd.filename = 'o\0d'
    z.writestr(odd, 'odd')
    z.writestr('manifest.json', json.dumps({'format': 1, 'documents': documents}))
",
    );
    let ended = alice.imports(archive, "").await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let mut results = alice.item_outcomes(&ended).await;
    results.sort();
    let succeeded: Vec<_> = results
        .iter()
        .filter(|(_, result, _)| result == "succeeded")
        .map(|(name, ..)| name.as_str())
        .collect();
    assert_eq!(succeeded, ["mime", "type", "well"], "{results:?}");
    assert_eq!(results.len(), 8, "{results:?}");
    app.ends_clean().await;
}
