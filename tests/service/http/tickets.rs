//! Tickets: uploads by somebody without a key.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Answer, Client, Mode, TestApp};
use tests::content::{PDF, pseudo_random};
use tests::in_both_modes;
use tests::tickets::ticket;
use tests::tus::{self, OFFSET_STREAM, metadata};

async fn sends(client: &Client, url: &str, name: &str, bytes: &'static [u8]) -> Answer {
    let request = client.request(Method::POST, &format!("{url}?name={name}"));
    let request = request.header("content-type", "application/octet-stream");
    client.send(request.body(bytes)).await
}

async fn status(owner: &Client, path: &str) -> Value {
    owner.get(path).await.expecting(200)["status"].clone()
}

#[in_both_modes]
async fn a_stranger_uploads_and_sees_only_that(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, nobody) = (app.user("alice").await, app.nobody());
    let wanted = json!({"metadata": {"from": "a form"}, "expires_in": "1h"});
    let (path, url) = ticket(&alice, &wanted).await;
    let sent = sends(&nobody, &url, "report.pdf", PDF).await;
    let document = sent.expecting(202);
    assert_eq!(sent.header("referrer-policy"), "no-referrer");
    let id = document["id"].as_str().unwrap();
    assert_eq!(sent.header("location"), format!("{url}/documents/{id}"));
    let mine = alice.settled(&document).await;
    assert_eq!(
        (&mine["name"], &mine["status"]),
        (&json!("report.pdf"), &json!("active"))
    );
    assert_eq!(mine["metadata"], json!({"from": "a form"}));
    assert!(alice.downloads(&mine).await == PDF);
    let seen = nobody
        .get(&format!("{url}/documents/{id}"))
        .await
        .expecting(200);
    assert_eq!(
        seen,
        json!({
            "id": id, "name": "report.pdf", "size_bytes": PDF.len(), "status": "active", "error": null,
        })
    );
    let other = alice.active("secret.pdf", PDF).await;
    let hidden = format!("{url}/documents/{}", other["id"].as_str().unwrap());
    nobody.get(&hidden).await.expect_problem(404, "not_found");
    nobody
        .get(&format!("/v1/documents/{id}"))
        .await
        .expect_problem(401, "unauthorized");
    assert_eq!(status(&alice, &path).await, "used");
    sends(&nobody, &url, "again.pdf", PDF)
        .await
        .expect_problem(410, "gone");
    // The secret is shown once.
    assert_eq!(alice.get(&path).await.expecting(200)["url"], json!(null));
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_stranger_may_wait_for_the_document(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, nobody) = (app.user("alice").await, app.nobody());
    let wanted = json!({"uses": 2, "allowed_types": ["application/pdf"]});
    let (_, url) = ticket(&alice, &wanted).await;
    let send = async |bytes: &'static [u8]| {
        let request = nobody.request(Method::POST, &format!("{url}?name=a.pdf"));
        nobody
            .send(request.header("prefer", "wait=60").body(bytes))
            .await
    };
    let active = send(PDF).await;
    assert_eq!(active.expecting(201)["status"], "active");
    let failed = send(b"text").await;
    failed.expect_problem(422, "type_not_allowed");
    for answer in [active, failed] {
        let location = answer.header("location");
        assert!(
            location.starts_with(&format!("{url}/documents/")),
            "{location}"
        );
        assert_eq!(answer.header("preference-applied"), "wait=60");
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_race_for_the_last_use_is_won_once(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, nobody) = (app.user("alice").await, app.nobody());
    let (_, url) = ticket(&alice, &json!({"uses": 2})).await;
    let sent = join_all((0..8).map(|_| sends(&nobody, &url, "a.pdf", PDF))).await;
    let won = sent
        .iter()
        .filter(|answer| answer.status.as_u16() == 202)
        .count();
    assert_eq!(won, 2);
    for answer in sent.iter().filter(|answer| answer.status.as_u16() != 202) {
        answer.expect_problem(410, "gone");
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn sizes_and_types_are_the_ticket_s(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app
        .user_with(json!({"name": "alice", "quota_bytes": 10_000}))
        .await;
    let nobody = app.nobody();
    let wanted = json!({"uses": 2, "max_bytes": 4_000, "allowed_types": ["application/pdf"], "name": "scan.pdf"});
    let (path, url) = ticket(&alice, &wanted).await;
    // What it reserves isn't there for anybody else.
    let usage = alice.get("/v1/usage").await.expecting(200);
    assert_eq!(usage["bytes"]["reserved"], 8_000);
    let greedy = alice
        .post_json("/v1/tickets", &json!({"max_bytes": 3_000}))
        .await;
    greedy.answer().expect_problem(403, "quota_exceeded");
    let large = nobody
        .request(Method::POST, &url)
        .body(pseudo_random(1, 4_001));
    nobody.send(large).await.expect_problem(413, "too_large");
    let chunked = futures::stream::iter([Ok::<_, std::io::Error>(pseudo_random(1, 4_001))]);
    let chunked = nobody
        .request(Method::POST, &url)
        .body(reqwest::Body::wrap_stream(chunked));
    nobody.send(chunked).await.expect_problem(413, "too_large");
    // Neither has used it.
    assert_eq!(alice.get(&path).await.expecting(200)["uses_left"], 2);
    let wrong = nobody.request(Method::POST, &url).body("plain text");
    let wrong = nobody.send(wrong).await.expecting(202);
    let settled = alice.settled(&wrong).await;
    assert_eq!(settled["error"]["code"], "type_not_allowed", "{settled}");
    let id = wrong["id"].as_str().unwrap();
    let seen = nobody
        .get(&format!("{url}/documents/{id}"))
        .await
        .expecting(200);
    assert_eq!(seen["error"]["code"], "type_not_allowed");
    let right = nobody.request(Method::POST, &url).body(PDF);
    let right = nobody.send(right).await.expecting(202);
    let settled = alice.settled(&right).await;
    assert_eq!(
        (&settled["status"], &settled["name"]),
        (&json!("active"), &json!("scan.pdf"))
    );
    let usage = alice.get("/v1/usage").await.expecting(200);
    assert_eq!(usage["bytes"]["reserved"], 0);
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_ticket_speaks_tus(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, nobody) = (app.user("alice").await, app.nobody());
    let bytes = pseudo_random(2, 100_000);
    let (path, url) = ticket(&alice, &json!({"max_bytes": 100_000})).await;
    let create = |length: usize| {
        tus::request(&nobody, Method::POST, &format!("{url}/uploads"))
            .header("upload-length", length)
            .header("upload-metadata", metadata(&[("filename", "noise.bin")]))
    };
    nobody
        .send(create(100_001))
        .await
        .expect_problem(413, "too_large");
    let created = nobody.send(create(bytes.len())).await;
    created.expecting(201);
    let upload = created.header("location").to_owned();
    assert!(upload.starts_with(&url), "{upload}");
    // It has taken the only use, and gives it back when it ends.
    nobody.send(create(1)).await.expect_problem(410, "gone");
    let end = tus::request(&nobody, Method::DELETE, &upload);
    nobody.send(end).await.expecting(204);
    assert_eq!(status(&alice, &path).await, "open");
    let created = nobody.send(
        create(bytes.len())
            .header("content-type", OFFSET_STREAM)
            .body(bytes.slice(..10)),
    );
    let upload = created.await.header("location").to_owned();
    assert_eq!(tus::offset(&nobody, &upload).await, 10);
    let last = tus::patch(&nobody, &upload, 10, bytes.slice(10..)).await;
    last.expecting(204);
    let document = tus::document(&alice, &last).await;
    assert!(alice.downloads(&document).await == bytes);
    let (_, other) = ticket(&alice, &json!({})).await;
    let elsewhere = upload.replace(&url, &other);
    assert_eq!(tus::head(&nobody, &elsewhere).await.status.as_u16(), 404);
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_client_whose_answer_was_lost_begins_once_more(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, nobody) = (app.user("alice").await, app.nobody());
    let bytes = pseudo_random(3, 1_000);
    let (path, url) = ticket(&alice, &json!({"max_bytes": 2_000})).await;
    let create = |name: &str| {
        tus::request(&nobody, Method::POST, &format!("{url}/uploads"))
            .header("upload-length", bytes.len())
            .header("upload-metadata", metadata(&[("filename", name)]))
    };
    let unheard = nobody.send(create("noise.bin")).await;
    let unheard = unheard.header("location").to_owned();
    // Somebody else doesn't, and nobody has more uses by it.
    nobody
        .send(create("other.bin"))
        .await
        .expect_problem(410, "gone");
    let again = nobody.send(create("noise.bin")).await;
    again.expecting(201);
    let upload = again.header("location").to_owned();
    assert_eq!(tus::head(&nobody, &unheard).await.status.as_u16(), 404);
    assert_eq!(status(&alice, &path).await, "used");
    let usage = alice.get("/v1/usage").await.expecting(200);
    assert_eq!(usage["bytes"]["reserved"], 2_000);
    // Once it has bytes it stays.
    tus::patch(&nobody, &upload, 0, bytes.slice(..10))
        .await
        .expecting(204);
    nobody
        .send(create("noise.bin"))
        .await
        .expect_problem(410, "gone");
    let last = tus::patch(&nobody, &upload, 10, bytes.slice(10..)).await;
    let document = tus::document(&alice, &last).await;
    assert!(alice.downloads(&document).await == bytes);
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_revoked_ticket_ends_at_once(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob, nobody) = (app.user("alice").await, app.user("bob").await, app.nobody());
    let (path, url) = ticket(&alice, &json!({"uses": 3, "max_bytes": 1_000})).await;
    let create = tus::request(&nobody, Method::POST, &format!("{url}/uploads"))
        .header("upload-length", 10)
        .header("upload-metadata", metadata(&[("filename", "a.bin")]));
    let upload = nobody.send(create).await.header("location").to_owned();
    bob.delete(&path).await.expect_problem(404, "not_found");
    alice.delete(&path).await.expecting(204);
    assert_eq!(status(&alice, &path).await, "revoked");
    nobody.get(&url).await.expect_problem(410, "gone");
    sends(&nobody, &url, "a.pdf", PDF)
        .await
        .expect_problem(410, "gone");
    let patched = tus::patch(&nobody, &upload, 0, "0123456789".into()).await;
    patched.expect_problem(410, "gone");
    let usage = alice.get("/v1/usage").await.expecting(200);
    assert_eq!(usage["bytes"]["reserved"], 0);
    assert_eq!(app.number("SELECT count(*) FROM uploads").await, 0);
    app.ends_clean().await;
}

#[in_both_modes]
async fn expiry_is_judged_when_an_upload_begins(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, nobody) = (app.user("alice").await, app.nobody());
    let (path, url) = ticket(&alice, &json!({"uses": 2, "expires_in": "1h"})).await;
    let create = tus::request(&nobody, Method::POST, &format!("{url}/uploads"))
        .header("upload-length", 3)
        .header("upload-metadata", metadata(&[("filename", "a.bin")]));
    let upload = nobody.send(create).await.header("location").to_owned();
    app.tampers("UPDATE tickets SET expires_at = 1").await;
    assert_eq!(status(&alice, &path).await, "expired");
    sends(&nobody, &url, "b.bin", b"b")
        .await
        .expect_problem(410, "gone");
    let last = tus::patch(&nobody, &upload, 0, "abc".into()).await;
    last.expecting(204);
    tus::document(&alice, &last).await;
    app.ends_clean().await;
}

#[in_both_modes]
async fn scripts_of_other_origins_are_refused(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, nobody) = (app.user("alice").await, app.nobody());
    let wanted = json!({"uses": 2, "cors_origin": "https://shop.example.org"});
    let (_, url) = ticket(&alice, &wanted).await;
    let from = |origin: &str| {
        let request = nobody.request(Method::POST, &format!("{url}?name=a.pdf"));
        request.header("origin", origin.to_owned()).body(PDF)
    };
    let allowed = nobody.send(from("https://shop.example.org")).await;
    allowed.expecting(202);
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        "https://shop.example.org"
    );
    let refused = nobody.send(from("https://evil.example.org")).await;
    refused.expect_problem(403, "forbidden");
    assert_eq!(refused.header("access-control-allow-origin"), "");
    nobody.send(from(&app.ingress().api())).await.expecting(202);
    let (_, other) = ticket(&alice, &json!({})).await;
    for (url, origin, allowed) in [
        (&url, "https://shop.example.org", "https://shop.example.org"),
        (&url, "https://evil.example.org", ""),
        (&url, "null", ""),
        (&other, "https://shop.example.org", ""),
    ] {
        let preflight = nobody
            .request(Method::OPTIONS, &format!("{url}/uploads"))
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        let preflight = nobody.send(preflight).await;
        let granted = preflight.header("access-control-allow-origin");
        assert_eq!(granted, allowed, "{origin}");
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn guessing_is_limited_and_the_secret_is_in_no_log(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[
            ("DOSSIER_AUTH_RATE_LIMIT", "3/min"),
            ("DOSSIER_LOG", "trace"),
        ])
        .start()
        .await;
    let (alice, nobody) = (app.user("alice").await, app.nobody());
    let (_, url) = ticket(&alice, &json!({"uses": 2})).await;
    let mut last = 0;
    for guess in 0..8 {
        last = nobody.get(&format!("/t/{guess:064}")).await.status.as_u16();
    }
    assert_eq!(last, 429);
    sends(&nobody, &url, "a.pdf", PDF).await.expecting(202);
    nobody.get(&url).await;
    let secret = url.rsplit('/').next().unwrap();
    assert!(!app.ingress().log().contains(secret));
    let metrics = reqwest::get(format!("{}/metrics", app.ingress().ops()))
        .await
        .unwrap();
    assert!(!metrics.text().await.unwrap().contains(secret));
    app.ends_clean().await;
}

#[in_both_modes]
async fn bad_members_are_named(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    for (wanted, pointer) in [
        (json!({"uses": 0}), "/uses"),
        (json!({"expires_in": "0s"}), "/expires_in"),
        (json!({"expires_in": "2y"}), "/expires_in"),
        (json!({"max_bytes": -1}), "/max_bytes"),
        (json!({"allowed_types": "image/*"}), "/allowed_types"),
        (json!({"allowed_types": ["image"]}), "/allowed_types"),
        (json!({"name": "a/b"}), "/name"),
        (json!({"metadata": []}), "/metadata"),
        (json!({"cors_origin": "shop"}), "/cors_origin"),
        (json!({"owner": "me"}), "/owner"),
    ] {
        let refused = alice.post_json("/v1/tickets", &wanted).await.answer();
        refused.expect_problem(422, "invalid");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{wanted}");
    }
    let page = alice.get("/v1/tickets").await.expecting(200);
    assert_eq!(page["items"], json!([]));
}
