//! Who sees what: every route for nobody, a stranger, the owner and an admin.

use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::content::PDF;
use tests::in_both_modes;
use tests::tus;

/// Each route: method, path in the OpenAPI document, and the status for
/// nobody, a stranger, the owner, an admin who names no owner.
const ROUTES: &[(&str, &str, [u16; 4])] = &[
    ("get", "/v1/documents", [401, 200, 200, 200]),
    ("get", "/v1/documents/{id}", [401, 404, 200, 404]),
    ("get", "/v1/documents/{id}/content", [401, 404, 200, 404]),
    ("head", "/v1/documents/{id}/content", [401, 404, 200, 404]),
    ("post", "/v1/documents", [401, 202, 202, 202]),
    (
        "get",
        "/v1/documents/by-name/{unique_name}",
        [401, 404, 200, 404],
    ),
    ("patch", "/v1/documents/{id}", [401, 404, 200, 404]),
    ("post", "/v1/documents/{id}/archive", [401, 404, 200, 404]),
    ("post", "/v1/documents/{id}/restore", [401, 404, 200, 404]),
    ("post", "/v1/documents/{id}/retry", [401, 404, 409, 404]),
    ("get", "/v1/documents/{id}/timeline", [401, 404, 200, 404]),
    ("get", "/v1/events", [401, 200, 200, 200]),
    ("get", "/v1/usage", [401, 200, 200, 200]),
    ("get", "/v1/me", [401, 200, 200, 200]),
    ("get", "/v1/keys", [401, 200, 200, 200]),
    ("post", "/v1/keys", [401, 201, 201, 201]),
    // It is the key of somebody else.
    ("delete", "/v1/keys/{key_id}", [401, 404, 404, 404]),
    ("get", "/v1/documents/{id}/versions", [401, 404, 200, 404]),
    (
        "get",
        "/v1/documents/{id}/versions/{number}",
        [401, 404, 200, 404],
    ),
    (
        "get",
        "/v1/documents/{id}/versions/{number}/content",
        [401, 404, 200, 404],
    ),
    (
        "head",
        "/v1/documents/{id}/versions/{number}/content",
        [401, 404, 200, 404],
    ),
    (
        "get",
        "/v1/documents/{id}/versions/{number}/receipt",
        [401, 404, 200, 404],
    ),
    (
        "post",
        "/v1/documents/{id}/versions/{number}/restore",
        [401, 404, 201, 404],
    ),
    (
        "delete",
        "/v1/documents/{id}/versions/{number}",
        [401, 404, 204, 404],
    ),
    ("put", "/v1/documents/{id}/content", [401, 404, 202, 404]),
    ("get", "/public/{unique_name}", [200, 200, 200, 200]),
    ("head", "/public/{unique_name}", [200, 200, 200, 200]),
    ("get", "/public/{unique_name}/content", [200, 200, 200, 200]),
    (
        "head",
        "/public/{unique_name}/content",
        [200, 200, 200, 200],
    ),
    ("get", "/v1/uploads", [401, 200, 200, 200]),
    ("post", "/v1/uploads", [401, 201, 201, 201]),
    ("get", "/v1/uploads/{id}", [401, 404, 200, 404]),
    ("head", "/v1/uploads/{id}", [401, 404, 200, 404]),
    ("patch", "/v1/uploads/{id}", [401, 404, 204, 404]),
    ("delete", "/v1/uploads/{id}", [401, 404, 204, 404]),
    // The bodies and ids are none: `servers/direct_uploads.rs` has the right ones.
    ("post", "/v1/direct-uploads", [401, 422, 422, 422]),
    ("get", "/v1/direct-uploads/{id}", [401, 404, 404, 404]),
    ("delete", "/v1/direct-uploads/{id}", [401, 404, 404, 404]),
    (
        "post",
        "/v1/direct-uploads/{id}/parts",
        [401, 404, 404, 404],
    ),
    (
        "post",
        "/v1/direct-uploads/{id}/complete",
        [401, 404, 404, 404],
    ),
    ("get", "/v1/tickets", [401, 200, 200, 200]),
    ("post", "/v1/tickets", [401, 201, 201, 201]),
    ("get", "/v1/tickets/{id}", [401, 404, 200, 404]),
    // Whoever has the URL may, whoever that is.
    ("get", "/t/{secret}", [200, 200, 200, 200]),
    ("post", "/t/{secret}", [202, 202, 202, 202]),
    // The document is none of the ticket's.
    ("get", "/t/{secret}/documents/{id}", [404, 404, 404, 404]),
    ("post", "/t/{secret}/uploads", [201, 201, 201, 201]),
    ("head", "/t/{secret}/uploads/{id}", [200, 200, 200, 200]),
    ("patch", "/t/{secret}/uploads/{id}", [204, 204, 204, 204]),
    ("delete", "/t/{secret}/uploads/{id}", [204, 404, 404, 404]),
    ("delete", "/v1/tickets/{id}", [401, 404, 204, 404]),
    // It leads inside.
    ("post", "/v1/webhooks", [401, 422, 422, 422]),
    ("get", "/v1/webhooks", [401, 200, 200, 200]),
    ("get", "/v1/webhooks/{id}", [401, 404, 200, 404]),
    ("patch", "/v1/webhooks/{id}", [401, 404, 200, 404]),
    ("post", "/v1/webhooks/{id}/rotate", [401, 404, 200, 404]),
    ("post", "/v1/webhooks/{id}/test", [401, 404, 202, 404]),
    ("get", "/v1/webhooks/{id}/deliveries", [401, 404, 200, 404]),
    // The id is none of a delivery.
    (
        "post",
        "/v1/webhooks/{id}/deliveries/{delivery_id}/retry",
        [401, 404, 404, 404],
    ),
    // The cursor is missing.
    ("post", "/v1/webhooks/{id}/replay", [401, 422, 422, 422]),
    ("delete", "/v1/webhooks/{id}", [401, 404, 204, 404]),
    ("post", "/v1/operations/import", [401, 202, 202, 202]),
    ("get", "/v1/operations/{id}/result", [401, 404, 200, 404]),
    ("head", "/v1/operations/{id}/result", [401, 404, 200, 404]),
    ("delete", "/v1/operations/{id}/result", [401, 404, 204, 404]),
    ("get", "/v1/operations", [401, 200, 200, 200]),
    ("post", "/v1/operations", [401, 202, 202, 202]),
    ("get", "/v1/operations/{id}", [401, 404, 200, 404]),
    ("get", "/v1/operations/{id}/items", [401, 404, 200, 404]),
    ("post", "/v1/operations/{id}/cancel", [401, 404, 409, 404]),
    ("post", "/v1/operations/{id}/undo", [401, 404, 202, 404]),
    // The last of them: it is gone then.
    ("delete", "/v1/documents/{id}", [401, 404, 204, 404]),
    ("get", "/v1/admin/users", [401, 403, 403, 200]),
    ("post", "/v1/admin/users", [401, 403, 403, 201]),
    ("get", "/v1/admin/users/{id}", [401, 403, 403, 200]),
    ("patch", "/v1/admin/users/{id}", [401, 403, 403, 200]),
    ("get", "/v1/admin/users/{id}/keys", [401, 403, 403, 200]),
    ("post", "/v1/admin/users/{id}/keys", [401, 403, 403, 201]),
    (
        "delete",
        "/v1/admin/users/{id}/keys/{key_id}",
        [401, 403, 403, 204],
    ),
    ("delete", "/v1/admin/users/{id}", [401, 403, 403, 204]),
    ("get", "/v1/admin/queues", [401, 403, 403, 200]),
    (
        "post",
        "/v1/admin/queues/{queue}/pause",
        [401, 403, 403, 200],
    ),
    (
        "post",
        "/v1/admin/queues/{queue}/resume",
        [401, 403, 403, 200],
    ),
    ("get", "/v1/admin/activity", [401, 403, 403, 200]),
    ("get", "/v1/admin/schedule", [401, 403, 403, 200]),
    ("get", "/v1/admin/workers", [401, 403, 403, 200]),
    ("get", "/v1/admin/audit-log", [401, 403, 403, 200]),
    ("get", "/v1/admin/jobs", [401, 403, 403, 200]),
    ("post", "/v1/admin/jobs/retry", [401, 403, 403, 202]),
    // The body names no queue.
    ("post", "/v1/admin/jobs/cancel", [401, 403, 403, 422]),
    // No user has the id of a job.
    ("post", "/v1/admin/jobs/{id}/retry", [401, 403, 403, 404]),
    // The places of the body don't exist, and no move has the id.
    ("get", "/v1/admin/storage/places", [401, 403, 403, 200]),
    ("get", "/v1/admin/storage/moves", [401, 403, 403, 200]),
    ("post", "/v1/admin/storage/moves", [401, 403, 403, 422]),
    ("get", "/v1/admin/storage/moves/{id}", [401, 403, 403, 404]),
    (
        "post",
        "/v1/admin/storage/moves/{id}/cancel",
        [401, 403, 403, 404],
    ),
    // It leads to the page.
    ("get", "/", [200, 200, 200, 200]),
    ("get", "/openapi.json", [200, 200, 200, 200]),
    ("get", "/openapi-3.1.json", [200, 200, 200, 200]),
    ("get", "/.well-known/jwks.json", [200, 200, 200, 200]),
    ("get", "/docs", [200, 200, 200, 200]),
    ("get", "/llms.txt", [200, 200, 200, 200]),
    ("get", "/ticket.js", [200, 200, 200, 200]),
    ("get", "/console", [200, 200, 200, 200]),
    ("get", "/console/{file}", [200, 200, 200, 200]),
    // No provider is there: `servers/sign_in.rs` has one.
    ("get", "/v1/sign-in", [200, 200, 200, 200]),
    ("post", "/v1/sign-in", [422, 422, 422, 422]),
    ("get", "/oidc/sign-in", [404, 404, 404, 404]),
    ("get", "/oidc/callback", [404, 404, 404, 404]),
    ("get", "/health/live", [200, 200, 200, 200]),
    ("get", "/health/ready", [200, 200, 200, 200]),
];

/// What a request to a route needs beyond its path.
async fn ask(client: &Client, method: &str, path: &str, number: usize) -> u16 {
    let method: Method = method.to_uppercase().parse().unwrap();
    let is_upload = path.contains("/uploads");
    let request = match (method.as_str(), path) {
        ("POST", "/v1/uploads") => tus::creation(client, "new.pdf", 10),
        ("POST", _) if is_upload => tus::request(client, method, path)
            .header("upload-length", 10)
            .header("upload-metadata", tus::metadata(&[("name", "new.pdf")])),
        ("POST", _) if path.starts_with("/t/") => client
            .request(method, &format!("{path}?name=new.pdf"))
            .body(PDF),
        ("PATCH", _) if is_upload => tus::append(client, path, 0, ""),
        ("HEAD" | "DELETE", _) if is_upload => tus::request(client, method, path),
        ("POST", "/v1/documents") => client
            .request(method, "/v1/documents?name=new.pdf")
            .header("content-type", "application/pdf")
            .body(PDF),
        ("POST", "/v1/admin/users") => client
            .request(method, path)
            .json(&json!({"name": format!("user {number}")})),
        ("POST", "/v1/operations") => client
            .request(method, path)
            .json(&json!({"action": "archive", "select": {"ids": []}})),
        ("POST", "/v1/webhooks") => client
            .request(method, path)
            .json(&json!({"url": "https://127.0.0.2/"})),
        ("POST" | "PATCH", _) => client.request(method, path).json(&json!({})),
        _ => client.request(method, path),
    };
    client.send(request).await.status.as_u16()
}

/// The path with the names that are the same for everybody.
fn with_names(pattern: &str) -> String {
    pattern
        .replace("{unique_name}", "the-secret")
        .replace("{number}", "1")
        .replace("{queue}", "maintenance")
        .replace("{file}", "app.js")
}

/// Somebody who may be deleted, with a key that may be deleted.
async fn victim(admin: &Client, number: usize) -> (Value, Value) {
    let named = json!({"name": format!("victim {number}")});
    let victim = admin.post_json("/v1/admin/users", &named).await;
    let victim = victim.expect_status(201).await;
    let keys = format!("/v1/admin/users/{}/keys", victim["id"].as_str().unwrap());
    let key = admin.post_json(&keys, &json!({})).await;
    (victim, key.expect_status(201).await)
}

#[in_both_modes]
async fn every_route_for_everybody(mode: Mode) {
    // A webhook leads to a port of this machine where nobody listens.
    let app = TestApp::builder(mode)
        .settings(&[
            ("DOSSIER_WEBHOOK_ALLOW_HTTP", "true"),
            ("DOSSIER_WEBHOOK_ALLOW_NETWORKS", "127.0.0.1"),
        ])
        .start()
        .await;
    let (alice, bob, admin) = (app.user("alice").await, app.user("bob").await, app.admin());
    let pending = alice.uploads("secret.pdf", PDF).await;
    let document = alice.settled(&pending).await;
    let secret = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    alice
        .patch_json(
            &secret,
            &json!({"unique_name": "the-secret", "is_public": true}),
        )
        .await
        .expecting(200);
    let update = json!({
        "action": "update", "select": {"ids": [document["id"]]}, "changes": {"metadata": {"seen": true}},
    });
    let operation = alice.runs(&update).await;
    let export = json!({"action": "export", "select": {"ids": [document["id"]]}});
    let export = alice.runs(&export).await;
    // The archive of an export is deleted once, by the one who may.
    let deleted = alice
        .runs(&json!({"action": "export", "select": {"ids": [document["id"]]}}))
        .await;
    let upload = tus::create(&alice, "secret.pdf", 10).await;
    let upload = json!(upload.rsplit('/').next());
    let ticket = alice.post_json("/v1/tickets", &json!({"uses": 100})).await;
    let ticket = ticket.expect_status(201).await;
    let uploads = format!("{}/uploads", ticket["url"].as_str().unwrap());
    let of_ticket = tus::request(&alice, Method::POST, &uploads)
        .header("upload-length", 10)
        .header("upload-metadata", tus::metadata(&[("name", "new.pdf")]));
    let of_ticket = alice.send(of_ticket).await.header("location").to_owned();
    let of_ticket = json!(of_ticket.rsplit('/').next());
    let webhook = json!({"url": "http://127.0.0.1:1/", "types": ["upload.expired"]});
    let webhook = alice.post_json("/v1/webhooks", &webhook).await;
    let webhook = webhook.expect_status(201).await;
    let mut asked = 0;
    for (method, pattern, statuses) in ROUTES {
        for (client, status) in [&app.nobody(), &bob, &alice, &admin]
            .into_iter()
            .zip(statuses)
        {
            asked += 1;
            let (victim, key) = victim(&admin, asked).await;
            let id = match pattern.split('/').nth(2) {
                Some("admin") => &victim["id"],
                Some("uploads") => &upload,
                Some("tickets") => &ticket["id"],
                Some("webhooks") => &webhook["id"],
                Some("{secret}") if pattern.contains("/uploads/") => &of_ticket,
                Some("operations")
                    if (*method, *pattern) == ("delete", "/v1/operations/{id}/result") =>
                {
                    &deleted["id"]
                }
                Some("operations") if pattern.ends_with("/result") => &export["id"],
                Some("operations") => &operation["id"],
                _ => &document["id"],
            };
            let path = with_names(pattern)
                .replace("{id}", id.as_str().unwrap())
                .replace("{delivery_id}", document["id"].as_str().unwrap())
                .replace("{key_id}", key["id"].as_str().unwrap())
                .replace("/t/{secret}", ticket["url"].as_str().unwrap());
            assert_eq!(
                ask(client, method, &path, asked).await,
                *status,
                "{method} {path} by {client:?}"
            );
        }
    }
}

#[in_both_modes]
async fn every_route_of_the_document_is_in_the_table(mode: Mode) {
    let app = TestApp::start(mode).await;
    let document = app.nobody().get("/openapi.json").await.expecting(200);
    let mut missing = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "head", "post", "put", "patch", "delete"] {
            let listed = ROUTES
                .iter()
                .any(|(known, pattern, _)| (known, pattern) == (&method, &path.as_str()));
            if item.get(method).is_some() && !listed {
                missing.push(format!("{method} {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "no test says who may: {missing:?}");
}

#[in_both_modes]
async fn what_a_stranger_may_not_see_does_not_exist(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let document = alice.uploads("secret.pdf", PDF).await;
    let id = document["id"].as_str().unwrap();
    let mut bodies = Vec::new();
    for id in [id, "0192aaaa-0000-7000-8000-000000000000", "not-an-id"] {
        let answer = bob.get(&format!("/v1/documents/{id}")).await;
        answer.expect_problem(404, "not_found");
        let mut body = answer.json();
        body["request_id"] = Value::Null;
        bodies.push(body);
    }
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(bodies[1], bodies[2]);
}

#[in_both_modes]
async fn an_admin_reads_for_a_named_owner(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let pending = alice.uploads("secret.pdf", PDF).await;
    let document = alice.settled(&pending).await;
    let (id, owner) = (
        document["id"].as_str().unwrap(),
        alice.user.as_deref().unwrap(),
    );
    let path = format!("/v1/documents/{id}?owner={owner}");
    assert_eq!(
        app.admin().get(&path).await.expecting(200)["name"],
        "secret.pdf"
    );
    bob.get(&path).await.expect_problem(404, "not_found");
    let other = format!("/v1/documents/{id}?owner={}", bob.user.as_deref().unwrap());
    app.admin()
        .get(&other)
        .await
        .expect_problem(404, "not_found");
}

#[in_both_modes]
async fn every_cause_of_a_401_looks_the_same(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let id = alice.user.as_deref().unwrap();
    app.admin()
        .delete(&format!("/v1/admin/users/{id}"))
        .await
        .expecting(204);
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsImV4cCI6NDEwMjQ0NDgwMH0.";
    let mut bodies = Vec::new();
    for client in [
        &app.nobody(),
        &app.bearer("wrong"),
        &app.bearer(unsigned),
        &alice,
    ] {
        let answer = client.get("/v1/documents").await;
        answer.expect_problem(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        let mut body = answer.json();
        body["request_id"] = Value::Null;
        bodies.push(body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}
