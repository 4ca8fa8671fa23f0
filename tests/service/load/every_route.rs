//! A walk over every route with the most costly input that is legal there, many at once, by one
//! user and an admin: another user's uploads are all taken in and go through meanwhile. A route
//! that isn't in the table fails the test.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use futures::{StreamExt, stream};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::content::{PDF, pseudo_random};
use tests::in_both_modes;
use tests::tus;

use super::costly_requests::{hoarder, nowhere, widest};
use tests::archives::archive_of;

/// Requests under way at once.
const AT_ONCE: usize = 12;

/// Uploads of the other user that have to go through while the walk goes on.
const UPLOADS: usize = 5;

/// How often the walk is made at least, and at most until the uploads have gone through.
const ROUNDS: [usize; 2] = [3, 12];

/// What there is to walk over.
struct Ground {
    alice: Client,
    admin: Client,
    owner: String,
    /// Documents, each of which is deleted once at most.
    documents: Vec<String>,
    /// An operation with many items that has ended.
    operation: String,
    /// An archive of an export.
    export: String,
    /// A resumable upload.
    upload: String,
    /// A webhook.
    webhook: String,
    /// The beginning of the feed.
    feed: String,
    /// The URL of a ticket.
    door: String,
    /// An archive of very many small files.
    archive: Bytes,
    turns: AtomicUsize,
}

impl Ground {
    async fn of(app: &TestApp) -> Self {
        let alice = hoarder(app, 300).await;
        let listed = alice.get("/v1/documents?limit=200").await.expecting(200);
        let id = |document: &Value| document["id"].as_str().unwrap().to_owned();
        let documents: Vec<_> = listed["items"].as_array().unwrap().iter().map(id).collect();
        let public = json!({"unique_name": "the-public-one", "is_public": true});
        alice
            .patch_json(&format!("/v1/documents/{}", documents[0]), &public)
            .await
            .expecting(200);
        let filter = json!({"filter": {"mime_type": "application/pdf"}});
        let update =
            json!({"action": "update", "select": filter, "changes": {"metadata": {"b": 1}}});
        let operation = id(&alice.runs(&update).await);
        let export = json!({"action": "export", "select": {"ids": &documents[..50]}});
        let export = id(&alice.runs(&export).await);
        let upload = tus::create(&alice, "large.bin", 1 << 24).await;
        let upload = upload.rsplit('/').next().unwrap().to_owned();
        let ticket = alice.post_json("/v1/tickets", &json!({"uses": 100})).await;
        let ticket = ticket.expect_status(201).await;
        let door = ticket["url"].as_str().unwrap().to_owned();
        let webhook = json!({"url": "http://127.0.0.1:1/", "types": ["upload.expired"]});
        let webhook = alice.post_json("/v1/webhooks", &webhook).await;
        let webhook = id(&webhook.expect_status(201).await);
        let feed = alice.get("/v1/events?limit=1").await.expecting(200);
        let names: Vec<_> = (0..500).map(|number| format!("{number}.txt")).collect();
        let files: Vec<_> = names.iter().map(|name| (name.as_str(), "x")).collect();
        Self {
            owner: alice.user.clone().unwrap(),
            admin: app.admin(),
            alice,
            documents,
            operation,
            export,
            upload,
            webhook,
            feed: feed["next_cursor"].as_str().unwrap().to_owned(),
            door,
            archive: archive_of(&files),
            turns: AtomicUsize::new(1),
        }
    }

    /// The worst that can be asked of a route; none if nobody has thought of it.
    #[expect(clippy::too_many_lines, reason = "it is a table of all routes")]
    fn worst(&self, method: &str, pattern: &str) -> Option<RequestBuilder> {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        let client = if pattern.starts_with("/v1/admin") {
            &self.admin
        } else {
            &self.alice
        };
        let id = match pattern.split('/').nth(2).unwrap_or_default() {
            "admin" => &self.owner,
            "uploads" => &self.upload,
            "operations" if pattern.ends_with("/result") => &self.export,
            "operations" => &self.operation,
            "webhooks" => &self.webhook,
            // The first is public, and stays.
            _ => &self.documents[1 + turn % (self.documents.len() - 1)],
        };
        let path = pattern
            .replace("{id}", id)
            .replace("{unique_name}", "the-public-one")
            .replace("{number}", "1")
            .replace("{queue}", "maintenance")
            .replace("{file}", "style.css")
            .replace("{key_id}", &self.owner)
            .replace("{delivery_id}", &self.owner)
            .replace("/t/{secret}", &self.door);
        let request = client.request(method.to_uppercase().parse::<Method>().unwrap(), &path);
        let many = || -> Vec<_> {
            (0..20_000)
                .map(|number| format!("0192aaaa-0000-7000-8000-{number:012x}"))
                .collect()
        };
        let nowhere = nowhere();
        let all = [("limit", "200")];
        Some(match (method, pattern) {
            ("get", "/v1/documents") => request.query(&all).query(&[
                ("metadata", nowhere.to_string()),
                ("sort", "-name".to_owned()),
            ]),
            ("post", "/v1/documents") => request
                .query(&[
                    ("name", "large.bin".to_owned()),
                    ("metadata", widest().to_string()),
                ])
                .body(pseudo_random(turn as u64, 1 << 20)),
            ("post", "/v1/direct-uploads") => request.json(&json!({
                "name": "large.bin", "size_bytes": 100 << 20, "metadata": widest(),
            })),
            ("post", "/v1/tickets") => request.json(&json!({"uses": 10_000, "metadata": widest()})),
            // Its name is looked up, and leads nowhere.
            ("post", "/v1/webhooks") => {
                request.json(&json!({"url": format!("https://{turn}.invalid/")}))
            }
            ("patch", "/v1/webhooks/{id}") => request.json(&json!({"status": "disabled"})),
            ("post", "/v1/webhooks/{id}/replay") => request.json(&json!({"after": self.feed})),
            ("post", "/t/{secret}") => request
                .query(&[("name", "large.bin")])
                .body(pseudo_random(turn as u64, 1 << 20)),
            ("post", "/t/{secret}/uploads") => tus::request(client, Method::POST, &path)
                .header("upload-length", 1 << 20)
                .header(
                    "upload-metadata",
                    tus::metadata(&[("filename", "large.bin")]),
                )
                .header("content-type", tus::OFFSET_STREAM)
                .body(pseudo_random(turn as u64, 1 << 19)),
            ("post", "/v1/uploads") => tus::creation(client, "large.bin", 1 << 20)
                .header("content-type", tus::OFFSET_STREAM)
                .body(pseudo_random(turn as u64, 1 << 19)),
            ("patch", "/v1/uploads/{id}" | "/t/{secret}/uploads/{id}") => {
                let bytes = pseudo_random(turn as u64, 1 << 16);
                tus::append(client, &path, 0, bytes)
            }
            ("head" | "delete", "/v1/uploads/{id}" | "/t/{secret}/uploads/{id}") => {
                request.header("tus-resumable", "1.0.0")
            }
            ("put", "/v1/documents/{id}/content") => {
                request.body(pseudo_random(turn as u64, 1 << 20))
            }
            ("patch", "/v1/documents/{id}") => request.json(&json!({"metadata": widest()})),
            ("post", "/v1/operations") if turn.is_multiple_of(2) => request
                .json(&json!({"action": "delete", "select": {"ids": many()}, "dry_run": true})),
            ("post", "/v1/operations") => request.json(&json!({
                "action": "delete", "select": {"filter": {"metadata": nowhere}}, "dry_run": true,
            })),
            ("post", "/v1/operations/import") => request
                .header("content-type", "application/zip")
                .body(self.archive.clone()),
            ("get", "/v1/operations/{id}/items") => {
                request.query(&all).query(&[("result", "skipped")])
            }
            ("get", "/v1/documents/{id}") => request.query(&[("wait", "60")]),
            ("get", "/v1/operations/{id}" | "/v1/documents/{id}/versions/{number}") => {
                request.query(&[("wait", "60")])
            }
            (
                "get",
                "/v1/documents/{id}/versions"
                | "/v1/documents/{id}/timeline"
                | "/v1/operations"
                | "/v1/uploads"
                | "/v1/tickets"
                | "/v1/webhooks"
                | "/v1/webhooks/{id}/deliveries"
                | "/v1/admin/users"
                | "/v1/admin/users/{id}/keys"
                | "/v1/keys"
                | "/v1/admin/audit-log"
                | "/v1/admin/workers",
            ) => request.query(&all),
            ("get", "/v1/events") => request.query(&[("limit", "1000")]),
            ("get", "/v1/admin/jobs") => request.query(&all).query(&[("state", "dead")]),
            ("post", "/v1/admin/users") => request.json(&json!({"name": format!("walker {turn}")})),
            ("patch", "/v1/admin/users/{id}") => {
                request.json(&json!({"quota_documents": 1_000_000 + turn}))
            }
            ("post", "/v1/admin/users/{id}/keys" | "/v1/keys" | "/v1/admin/jobs/retry") => {
                request.json(&json!({}))
            }
            ("post", "/v1/admin/jobs/cancel") => request.json(&json!({"queue": "maintenance"})),
            ("post", "/v1/sign-in") => request.json(&json!({"id_token": "x".repeat(16_384)})),
            // These places don't exist: a move itself is a job.
            ("post", "/v1/admin/storage/moves") => {
                request.json(&json!({"from": "s3://bucket/a", "to": "s3://bucket/b"}))
            }
            // It would take away who walks: that of a user with much has a test of its own.
            ("delete", "/v1/admin/users/{id}") => {
                client.request(Method::DELETE, &format!("/v1/admin/users/{}", self.export))
            }
            (
                "get" | "head",
                "/v1/documents/{id}/content"
                | "/v1/documents/{id}/versions/{number}/content"
                | "/public/{unique_name}/content"
                | "/v1/operations/{id}/result",
            ) => request.header("range", "bytes=0-1,3-4,6-7,9-10,12-13"),
            (
                "get" | "head",
                "/"
                | "/docs"
                | "/openapi.json"
                | "/llms.txt"
                | "/openapi-3.1.json"
                | "/.well-known/jwks.json"
                | "/ticket.js"
                | "/console"
                | "/console/{file}"
                | "/v1/sign-in"
                | "/oidc/sign-in"
                | "/oidc/callback"
                | "/health/live"
                | "/health/ready"
                | "/public/{unique_name}"
                | "/v1/usage"
                | "/v1/me"
                | "/v1/uploads/{id}"
                | "/v1/direct-uploads/{id}"
                | "/v1/tickets/{id}"
                | "/v1/webhooks/{id}"
                | "/t/{secret}"
                | "/t/{secret}/documents/{id}"
                | "/v1/documents/by-name/{unique_name}"
                | "/v1/documents/{id}/versions/{number}/receipt"
                | "/v1/admin/users/{id}"
                | "/v1/admin/queues"
                | "/v1/admin/schedule"
                | "/v1/admin/activity"
                | "/v1/admin/storage/places"
                | "/v1/admin/storage/moves"
                | "/v1/admin/storage/moves/{id}",
            )
            | (
                "post",
                "/v1/documents/{id}/archive"
                | "/v1/documents/{id}/restore"
                | "/v1/documents/{id}/retry"
                | "/v1/documents/{id}/versions/{number}/restore"
                | "/v1/direct-uploads/{id}/parts"
                | "/v1/direct-uploads/{id}/complete"
                | "/v1/webhooks/{id}/rotate"
                | "/v1/webhooks/{id}/test"
                | "/v1/webhooks/{id}/deliveries/{delivery_id}/retry"
                | "/v1/operations/{id}/cancel"
                | "/v1/operations/{id}/undo"
                | "/v1/admin/jobs/{id}/retry"
                | "/v1/admin/queues/{queue}/pause"
                | "/v1/admin/queues/{queue}/resume"
                | "/v1/admin/storage/moves/{id}/cancel",
            )
            | (
                "delete",
                "/v1/documents/{id}"
                | "/v1/documents/{id}/versions/{number}"
                | "/v1/operations/{id}/result"
                | "/v1/direct-uploads/{id}"
                | "/v1/tickets/{id}"
                | "/v1/webhooks/{id}"
                | "/v1/admin/users/{id}/keys/{key_id}"
                | "/v1/keys/{key_id}",
            ) => request,
            _ => return None,
        })
    }
}

#[in_both_modes]
async fn a_walk_over_every_route_delays_nobody_else(mode: Mode) {
    // A webhook leads to a port of this machine where nobody listens.
    let app = TestApp::builder(mode)
        .settings(&[
            ("DOSSIER_WEBHOOK_ALLOW_HTTP", "true"),
            ("DOSSIER_WEBHOOK_ALLOW_NETWORKS", "127.0.0.1"),
        ])
        .start()
        .await;
    let (ground, bob) = (Ground::of(&app).await, app.user("bob").await);
    let described = app.nobody().get("/openapi.json").await.expecting(200);
    let mut routes = Vec::new();
    for (path, item) in described["paths"].as_object().unwrap() {
        for method in ["get", "head", "post", "put", "patch", "delete"] {
            if item.get(method).is_some() {
                assert!(
                    ground.worst(method, path).is_some(),
                    "what is the worst of {method} {path}?"
                );
                routes.push((method, path.as_str()));
            }
        }
    }
    let are_through = AtomicBool::new(false);
    // What is deleted doesn't come back.
    let round = |number: usize| {
        routes
            .iter()
            .filter(move |(method, _)| number == 0 || *method != "delete")
    };
    let [least, most] = ROUNDS;
    let rounds = (0..most)
        .take_while(|number| *number < least || !are_through.load(Ordering::Relaxed))
        .flat_map(round);
    let walk = stream::iter(rounds).map(|(method, path)| {
        let request = ground.worst(method, path).unwrap();
        let client = &ground.alice;
        async move {
            let answer = client.send(request).await;
            match answer.status.as_u16() {
                // Local files have no URLs for uploads.
                501 => assert_eq!((*method, *path), ("post", "/v1/direct-uploads")),
                429 | 503 => assert!(!answer.header("retry-after").is_empty(), "{method} {path}"),
                status => assert!(status < 500, "{method} {path}: {}", answer.text()),
            }
        }
    });
    let walk = async { walk.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await };
    let uploads = async {
        for number in 0..UPLOADS {
            let pending = bob.uploads(&format!("{number}.pdf"), PDF).await;
            assert_eq!(bob.settled(&pending).await["status"], "active");
        }
        are_through.store(true, Ordering::Relaxed);
    };
    // In this order: all uploads have gone through, and are read, before the walk is over.
    let (mut walk, mut uploads) = (Box::pin(walk), Box::pin(uploads));
    tokio::select! {
        biased;
        () = &mut uploads => {}
        _ = &mut walk => panic!("whoever walks was served before the other one's uploads"),
    }
    walk.await;
    let mine = bob.get("/v1/documents").await.expecting(200);
    assert_eq!(mine["items"].as_array().unwrap().len(), UPLOADS);
}
