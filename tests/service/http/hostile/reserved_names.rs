//! Names of members under which the reader of JSON hands on something other than an object, JSON
//! within a text before all: sent wherever JSON is taken, they are refused, however deep.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Answer, Client, Mode, TestApp};
use tests::content::PDF;
use tests::in_both_modes;

use super::unstorable::{operations, send};
use tests::archives::made_by;

const NAMES: [&str; 2] = [
    "$serde_json::private::RawValue",
    "$serde_json::private::Number",
];

const WITH_TOKENS: (&str, &str) = (
    "DOSSIER_JWT_SECRET",
    "a secret of the tests that is long enough",
);

/// JSON within JSON within JSON …, each as deep as a reader goes.
fn bomb(bytes: usize) -> String {
    let mut bomb = "[]".to_owned();
    loop {
        let text = Value::String(bomb.clone());
        let (open, close) = ("[".repeat(120), "]".repeat(120));
        let next = format!("{open}{{\"{}\":{text}}}{close}", NAMES[0]);
        if next.len() > bytes {
            return bomb;
        }
        bomb = next;
    }
}

async fn patch(client: &Client, path: &str, body: String) -> Answer {
    let request = client.request(Method::PATCH, path);
    let request = request.header("content-type", "application/json");
    client.send(request.body(body)).await
}

#[in_both_modes]
async fn no_json_body_of_any_route_takes_them(mode: Mode) {
    let app = TestApp::start(mode).await;
    let admin = app.admin();
    let mut asked = 0;
    for operation in operations(&app).await {
        let path = operation.path_with(None);
        for name in NAMES {
            let inner = json!({name: "{\"name\":\"other\"}"});
            for member in operation.members.iter().flatten() {
                for value in [inner.clone(), json!([{"a": 1, "b": inner}])] {
                    let body = json!({member: value}).to_string();
                    send(&admin, &operation, &path, &body)
                        .await
                        .expect_problem(400, "bad_json");
                    asked += 1;
                }
            }
            if operation.members.is_some() {
                send(&admin, &operation, &path, &inner.to_string())
                    .await
                    .expect_problem(400, "bad_json");
                // What is made of it to tell a repetition is no more.
                let request = admin.request(operation.method.clone(), &path);
                let request = request
                    .header("idempotency-key", format!("{name} {path}"))
                    .json(&inner);
                admin.send(request).await.expect_problem(400, "bad_json");
            }
        }
    }
    assert!(asked > 40, "{asked}");
}

#[in_both_modes]
async fn metadata_is_what_was_sent(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let pending = alice.uploads("a.pdf", PDF).await;
    let document = alice.settled(&pending).await;
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    for name in NAMES {
        let metadata = json!({"a": {name: "1"}}).to_string();
        patch(&alice, &path, format!("{{\"metadata\":{metadata}}}"))
            .await
            .expect_problem(400, "bad_json");
        let raw = alice
            .request(Method::POST, "/v1/documents")
            .query(&[("name", "b"), ("metadata", &metadata)]);
        alice
            .send(raw.body(PDF))
            .await
            .expect_problem(422, "invalid");
        let part = format!(
            "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello\r\n\
                 --X\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{metadata}\r\n--X--\r\n"
        );
        let form = alice
            .request(Method::POST, "/v1/documents")
            .header("content-type", "multipart/form-data; boundary=X")
            .body(part);
        alice.send(form).await.expect_problem(422, "invalid");
        let list = alice
            .request(Method::GET, "/v1/documents")
            .query(&[("metadata", &metadata)]);
        alice.send(list).await.expect_problem(422, "invalid");
        // As a value it is a text like others.
        let kept = patch(
            &alice,
            &path,
            format!("{{\"metadata\":{{\"a\":\"{name}\"}}}}"),
        )
        .await
        .expecting(200);
        assert_eq!(kept["metadata"], json!({"a": name}));
    }
    for bytes in [3_000, 30_000, 500_000] {
        patch(
            &alice,
            &path,
            format!("{{\"metadata\":{{\"a\":{}}}}}", bomb(bytes)),
        )
        .await
        .expect_problem(400, "bad_json");
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn no_token_and_no_manifest_brings_them_in(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[WITH_TOKENS])
        .start()
        .await;
    let header = format!("{{\"alg\":\"HS256\",\"a\":{}}}", bomb(5_000));
    let token = format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(header));
    app.bearer(&token)
        .get("/v1/usage")
        .await
        .expect_problem(401, "unauthorized");

    let alice = app.user("alice").await;
    let [bomb, number] = [bomb(20_000), json!({NAMES[1]: "1"}).to_string()];
    let archive = made_by(&format!(
        r#"
import hashlib
documents = []
with zipfile.ZipFile(path, 'w') as z:
    for name, value in [('bomb', r'''{bomb}'''), ('number', r'''{number}'''), ('well', '1')]:
        z.writestr(name, name)
        digest = hashlib.sha256(name.encode()).hexdigest()
        documents.append('{{"path":"%s","name":"%s.txt","sha256":"%s","metadata":{{"a":%s}}}}' % (name, name, digest, value))
    z.writestr('manifest.json', '{{"format":1,"documents":[%s]}}' % ','.join(documents))
"#
    ));
    let ended = alice.imports(archive, "").await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let item = |name: &str, result: &str, code: &str| {
        (name.to_owned(), result.to_owned(), code.to_owned())
    };
    let mut results = alice.item_outcomes(&ended).await;
    results.sort();
    assert_eq!(
        results,
        [
            item("bomb.txt", "failed", "invalid"),
            item("number.txt", "failed", "invalid"),
            item("well.txt", "succeeded", ""),
        ]
    );
    app.ends_clean().await;
}
