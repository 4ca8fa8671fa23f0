//! Keys with a purpose: scopes, ends, and what a key tells of itself.

use std::time::Duration;

use domain::{Scope, Scopes};
use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp, result_path};
use tests::content::PDF;
use tests::in_both_modes;
use tests::poll::wait_until;
use tests::servers::{Received, Receiver};

use super::webhooks::owners::{open_to_this_machine, webhook};

/// A key that the holder of another one makes for themselves.
async fn key(app: &TestApp, client: &Client, request: Value) -> Client {
    let made = client.post_json("/v1/keys", &request).await;
    let made = made.expect_status(201).await;
    app.bearer(made["key"].as_str().unwrap())
}

fn words(scopes: impl IntoIterator<Item = Scope>) -> Vec<&'static str> {
    scopes.into_iter().map(Scope::as_str).collect()
}

/// Whether a request was refused for the scope alone, which the answer names.
fn lacks(answer: &tests::app::Answer, scope: &str) -> bool {
    if answer.status != 403 || answer.json()["code"] != "insufficient_scope" {
        return false;
    }
    let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
    assert_eq!(answer.header("www-authenticate"), challenge);
    assert!(answer.text().contains(scope), "{}", answer.text());
    true
}

#[in_both_modes]
async fn every_scope_opens_its_routes_and_no_other(mode: Mode) {
    let app = TestApp::start(mode).await;
    let admin = app.admin();
    let mut by_scope = Vec::new();
    for scope in Scope::ALL {
        let only = key(&app, &admin, json!({"scopes": [scope.as_str()]})).await;
        let others = words(Scopes::ALL.iter().filter(|other| *other != scope));
        let others = key(&app, &admin, json!({"scopes": others})).await;
        by_scope.push((scope.as_str(), only, others));
    }
    let document = app.nobody().get("/openapi.json").await.expecting(200);
    let mut without = Vec::new();
    for (pattern, path) in document["paths"].as_object().unwrap() {
        for (method, operation) in path.as_object().unwrap() {
            if !operation["security"].is_array() {
                continue;
            }
            let Some(scope) = operation["x-required-scope"].as_str() else {
                without.push(format!("{method} {pattern}"));
                continue;
            };
            let mut path = pattern.clone();
            for name in [
                "{id}",
                "{delivery_id}",
                "{key_id}",
                "{unique_name}",
                "{number}",
            ] {
                path = path.replace(name, "0192aaaa-5e1f-7c1e-9d0a-1b2c3d4e5f60");
            }
            let method: Method = method.to_uppercase().parse().unwrap();
            for (name, only, others) in &by_scope {
                let is_it = *name == scope;
                // What a HEAD is answered has no body.
                if method == Method::HEAD {
                    let status = only.send(only.request(method.clone(), &path)).await.status;
                    assert_eq!(status == 403, !is_it, "{method} {path} with {name}");
                    continue;
                }
                let answer = only.send(only.request(method.clone(), &path)).await;
                assert_eq!(lacks(&answer, scope), !is_it, "{method} {path} with {name}");
                let answer = others.send(others.request(method.clone(), &path)).await;
                assert_eq!(
                    lacks(&answer, scope),
                    is_it,
                    "{method} {path} without {name}"
                );
            }
        }
    }
    without.sort();
    assert_eq!(
        without,
        [
            "delete /v1/keys/{key_id}",
            "get /v1/keys",
            "get /v1/me",
            "get /v1/usage",
            "post /v1/keys",
        ]
    );
    app.ends_clean().await;
}

/// As docs/OPERATIONS.md tells it: a scope needs no other one for what its routes do.
#[in_both_modes]
async fn a_scope_suffices_for_whatever_its_routes_do(mode: Mode) {
    let app = open_to_this_machine(mode).start().await;
    let (alice, receiver) = (app.user("alice").await, Receiver::start());
    alice.active("a.pdf", PDF).await;
    let operator = key(&app, &alice, json!({"scopes": ["operations"]})).await;
    let refused = operator.get("/v1/documents").await;
    assert!(lacks(&refused, "documents:read"), "{}", refused.text());
    let all = json!({"filter": {}});
    let exported = operator
        .runs(&json!({"action": "export", "select": all}))
        .await;
    let archive = operator.get(&result_path(&exported)).await;
    assert_eq!(archive.status, 200);
    let deleted = operator
        .runs(&json!({"action": "delete", "select": all}))
        .await;
    assert_eq!(deleted["succeeded"], 1, "{deleted}");
    operator.imports(archive.body, "").await;
    let notifier = key(&app, &alice, json!({"scopes": ["webhooks"]})).await;
    let refused = notifier.get("/v1/events").await;
    assert!(lacks(&refused, "events"), "{}", refused.text());
    webhook(&notifier, &receiver, &["document.activated"]).await;
    let other = alice.active("b.pdf", PDF).await;
    let is_told = |one: &Received| one.json()["data"]["document"] == other;
    receiver.receives(|all| all.iter().any(is_told)).await;
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_key_makes_no_key_stronger_than_itself(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let request =
        json!({"name": "reader", "scopes": ["documents:read", "events"], "expires_in": "1h"});
    let reader = key(&app, &alice, request).await;
    // It may be passed on in part, for as long at most.
    key(
        &app,
        &reader,
        json!({"scopes": ["documents:read"], "expires_in": "59m"}),
    )
    .await;
    for (request, scope) in [
        (
            json!({"scopes": ["documents:write"], "expires_in": "1m"}),
            "documents:write",
        ),
        (json!({"expires_in": "1m"}), "documents:write"),
    ] {
        let refused = reader.post_json("/v1/keys", &request).await.answer();
        assert!(lacks(&refused, scope), "{}", refused.text());
    }
    // Nor may it have what only another role could use.
    let admin = json!({"scopes": ["admin"]});
    let refused = alice.post_json("/v1/keys", &admin);
    assert!(lacks(&refused.await.answer(), "admin"));
    for expires_in in [json!(null), json!("2h")] {
        let request = json!({"scopes": ["events"], "expires_in": expires_in});
        let refused = reader.post_json("/v1/keys", &request).await.answer();
        refused.expect_problem(422, "invalid");
    }
    // Nor does an admin's key give others what it hasn't.
    let narrow = key(&app, &app.admin(), json!({"scopes": ["admin"]})).await;
    let path = format!("/v1/admin/users/{}/keys", alice.user.as_ref().unwrap());
    let refused = narrow.post_json(&path, &json!({})).await.answer();
    assert!(lacks(&refused, "documents:read"), "{}", refused.text());
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_key_removes_itself_and_weaker_ones(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let reader = key(&app, &alice, json!({"scopes": ["documents:read"]})).await;
    let ids = async || {
        let page = alice.get("/v1/keys").await.expecting(200);
        let items = page["items"].as_array().unwrap().clone();
        let path = |key: &Value| format!("/v1/keys/{}", key["id"].as_str().unwrap());
        items.iter().map(path).collect::<Vec<_>>()
    };
    let [newest, first] = &ids().await[..] else {
        panic!("there are two keys");
    };
    let refused = reader.delete(first).await;
    assert!(lacks(&refused, "documents:write"), "{}", refused.text());
    assert_eq!(app.user("bob").await.delete(first).await.status, 404);
    assert_eq!(reader.delete(newest).await.status, 204);
    reader
        .get("/v1/me")
        .await
        .expect_problem(401, "unauthorized");
    assert_eq!(ids().await, std::slice::from_ref(first));
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_key_that_has_expired_is_none(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let short = key(&app, &alice, json!({"name": "short", "expires_in": "1h"})).await;
    short.get("/v1/documents").await.expecting(200);
    let brief = key(&app, &alice, json!({"expires_in": "1s"})).await;
    app.tampers("UPDATE api_keys SET expires_at = 1 WHERE name = 'short'")
        .await;
    // What was looked up before is good for a tenth of a second.
    wait_until(
        Duration::from_secs(10),
        "the keys are refused",
        async || {
            let statuses = [&short, &brief].map(|key| key.get("/v1/documents"));
            let answers = futures::future::join_all(statuses).await;
            answers.iter().all(|answer| answer.status == 401)
        },
    )
    .await;
    let listed = alice.get("/v1/keys").await.expecting(200);
    let mut items = listed["items"].as_array().unwrap().iter();
    let expired = items.find(|key| key["name"] == "short").unwrap();
    assert_eq!(expired["expires_at"], "1970-01-01T00:00:00.000001Z");
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_caller_is_told_who_they_are(mode: Mode) {
    let settings = [("DOSSIER_RATE_LIMIT", "1000/min")];
    let app = TestApp::builder(mode).settings(&settings).start().await;
    let description = json!({"name": "alice", "quota_bytes": 1000, "quota_documents": 7});
    let alice = app.user_with(description).await;
    let request = json!({"name": "laptop", "scopes": ["documents:read", "admin"]});
    let keys = format!("/v1/admin/users/{}/keys", alice.user.as_ref().unwrap());
    let laptop = app.admin().post_json(&keys, &request).await;
    let laptop = laptop.expect_status(201).await["key"].clone();
    let laptop = app.bearer(laptop.as_str().unwrap());
    let me = laptop.get("/v1/me").await.expecting(200);
    assert_eq!(
        (&me["id"], &me["name"], &me["role"]),
        (
            &json!(alice.user.as_ref().unwrap()),
            &json!("alice"),
            &json!("user")
        )
    );
    // A scope that is nothing without the role isn't told.
    assert_eq!(me["scopes"], json!(["documents:read"]));
    assert_eq!(me["key"]["name"], "laptop");
    let starts_with = me["key"]["starts_with"].as_str().unwrap();
    assert!(starts_with.starts_with("dossier_") && starts_with.len() == 14);
    assert_eq!(me["limits"]["quota_bytes"], 1000);
    assert_eq!(me["limits"]["quota_documents"], 7);
    assert_eq!(me["limits"]["rate_limit"], "1000/min");
    let all = words(Scopes::ALL.iter().filter(|scope| *scope != Scope::Admin));
    let whole = alice.get("/v1/me").await.expecting(200);
    assert_eq!(whole["scopes"], json!(all));
    // When it was used is written every few seconds, to the minute.
    wait_until(Duration::from_secs(30), "the use is recorded", async || {
        let listed = alice.get("/v1/keys").await.expecting(200);
        let used = listed["items"][0]["last_used_at"].as_str();
        used.is_some_and(|used| used.ends_with(":00.000000Z"))
    })
    .await;
    app.ends_clean().await;
}

#[in_both_modes]
async fn an_admin_s_key_without_that_scope_reads_for_nobody_else(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let document = alice.active("a.pdf", PDF).await;
    let path = format!(
        "/v1/documents/{}?owner={}",
        document["id"].as_str().unwrap(),
        alice.user.as_ref().unwrap()
    );
    let admin = app.admin();
    admin.get(&path).await.expecting(200);
    let reader = key(&app, &admin, json!({"scopes": ["documents:read"]})).await;
    reader.get(&path).await.expect_problem(404, "not_found");
    app.ends_clean().await;
}
