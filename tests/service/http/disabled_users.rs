//! Users who are disabled: refused everywhere, at once.

use std::time::Duration;

use futures::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Mode, TestApp};
use tests::content::PDF;
use tests::in_both_modes;
use tests::poll::poll;

use super::identities::{SETTINGS, account, token};

/// Nothing of it ever ends, and the first byte is there.
fn endless() -> reqwest::Body {
    let first = futures::stream::iter([Ok::<_, std::io::Error>("x")]);
    reqwest::Body::wrap_stream(first.chain(futures::stream::pending()))
}

#[in_both_modes]
async fn whoever_is_disabled_is_refused_everywhere(mode: Mode) {
    // Nobody works on uploads, so that whoever waits for one waits long.
    let settings = [SETTINGS[0], ("DOSSIER_QUEUES", "maintenance")];
    let app = TestApp::builder(mode).settings(&settings).start().await;
    let (admin, alice) = (app.admin(), app.user("alice").await);
    let linked = json!({"identities": [{"issuer": "", "subject": "alice"}]});
    admin
        .patch_json(&account(&alice), &linked)
        .await
        .expecting(200);
    let by_token = app.bearer(&token(json!({"sub": "alice"})));
    let document = alice.uploads("a.pdf", PDF).await;
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    let waiting = {
        let (alice, by_token, path) = (alice.clone(), by_token.clone(), path.clone());
        let uploading = alice
            .request(Method::POST, "/v1/documents?name=b.pdf")
            .body(endless());
        let wait = format!("{path}?wait=60");
        tokio::spawn(async move {
            tokio::join!(alice.get(&wait), by_token.get(&wait), alice.send(uploading))
        })
    };
    // Whoever waits is seen in the meters; the others begin in the same moment.
    let meters = format!("{}/metrics", app.ingress().ops());
    poll(Duration::from_secs(30), async || {
        let text = reqwest::get(&meters).await.unwrap().text().await.unwrap();
        if text.contains("dossier_waiting_requests 2") {
            Ok(())
        } else {
            Err(text)
        }
    })
    .await;
    let disabled = admin
        .patch_json(&account(&alice), &json!({"disabled": true}))
        .await
        .expecting(200);
    assert_eq!(disabled["disabled"], true);
    for client in [&alice, &by_token] {
        client
            .get("/v1/documents")
            .await
            .expect_problem(403, "disabled");
        client.delete(&path).await.expect_problem(403, "disabled");
        client
            .get("/v1/admin/users")
            .await
            .expect_problem(403, "disabled");
        let keyed = client
            .request(Method::DELETE, &path)
            .header("idempotency-key", "k");
        client.send(keyed).await.expect_problem(403, "disabled");
    }
    let ended = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    let (first, second, third) = ended.expect("they are ended long before").unwrap();
    for answer in [first, second, third] {
        answer.expect_problem(403, "disabled");
    }
    admin
        .patch_json(&account(&alice), &json!({"disabled": false}))
        .await
        .expecting(200);
    alice.get(&path).await.expecting(200);
    by_token.get(&path).await.expecting(200);
}

#[in_both_modes]
async fn what_is_public_goes_with_its_owner(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (admin, alice) = (app.admin(), app.user("alice").await);
    let document = alice.uploads("a.pdf", PDF).await;
    let document = alice.settled(&document).await;
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    let public = json!({"unique_name": "the-plan", "is_public": true});
    alice.patch_json(&path, &public).await.expecting(200);
    for (disabled, status) in [(false, 200), (true, 404), (false, 200)] {
        admin
            .patch_json(&account(&alice), &json!({"disabled": disabled}))
            .await
            .expecting(200);
        for path in ["/public/the-plan", "/public/the-plan/content"] {
            assert_eq!(
                app.nobody().get(path).await.status.as_u16(),
                status,
                "{path}"
            );
        }
    }
}

#[in_both_modes]
async fn the_last_enabled_admin_stays_one(mode: Mode) {
    let app = TestApp::start(mode).await;
    let root = app
        .user_with(json!({"name": "root", "role": "admin"}))
        .await;
    let users = root.get("/v1/admin/users").await.expecting(200);
    let first = format!(
        "/v1/admin/users/{}",
        users["items"][1]["id"].as_str().unwrap()
    );
    app.admin()
        .patch_json(&account(&root), &json!({"disabled": true}))
        .await
        .expecting(200);
    // Who is disabled counts for nothing.
    for change in [
        json!({"disabled": true}),
        json!({"role": "user"}),
        json!({"disabled": true, "role": "admin"}),
    ] {
        app.admin()
            .patch_json(&first, &change)
            .await
            .expect_problem(409, "illegal_transition");
    }
    app.admin()
        .delete(&first)
        .await
        .expect_problem(409, "illegal_transition");
    app.admin()
        .patch_json(&account(&root), &json!({"disabled": false}))
        .await
        .expecting(200);
    app.admin()
        .patch_json(&first, &json!({"disabled": true}))
        .await
        .expecting(200);
    root.delete(&first).await.expecting(204);
    root.delete(&account(&root))
        .await
        .expect_problem(409, "illegal_transition");
}

#[in_both_modes]
async fn an_answer_is_not_repeated_to_who_may_not_have_it(mode: Mode) {
    let app = TestApp::start(mode).await;
    let root = app
        .user_with(json!({"name": "root", "role": "admin"}))
        .await;
    let send = async |method: Method, path: &str, key: &str, body: &Value| {
        root.send(
            root.request(method, path)
                .header("idempotency-key", key)
                .json(body),
        )
        .await
    };
    let add = json!({"name": "somebody"});
    let added = send(Method::POST, "/v1/admin/users", "add", &add)
        .await
        .expecting(201);
    let own = format!("/v1/admin/users/{}", added["id"].as_str().unwrap());
    let change = json!({"quota_bytes": 7});
    send(Method::PATCH, &own, "change", &change)
        .await
        .expecting(200);
    let again = send(Method::PATCH, &own, "change", &change).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    let upload = root
        .request(Method::POST, "/v1/documents?name=a.pdf")
        .header("idempotency-key", "up")
        .body(PDF);
    root.send(upload.try_clone().unwrap()).await.expecting(202);

    for (demotion, code) in [
        (json!({"role": "user"}), "forbidden"),
        (json!({"disabled": true}), "disabled"),
    ] {
        app.admin()
            .patch_json(&account(&root), &demotion)
            .await
            .expecting(200);
        for (method, path, key, body) in [
            (Method::POST, "/v1/admin/users", "add", &add),
            (Method::PATCH, own.as_str(), "change", &change),
        ] {
            let answer = send(method, path, key, body).await;
            answer.expect_problem(403, code);
            assert_eq!(answer.header("idempotency-replayed"), "");
        }
    }
    root.send(upload.try_clone().unwrap())
        .await
        .expect_problem(403, "disabled");
    let back = json!({"role": "admin", "disabled": false});
    app.admin()
        .patch_json(&account(&root), &back)
        .await
        .expecting(200);
    let again = send(Method::POST, "/v1/admin/users", "add", &add).await;
    assert_eq!(
        (again.status.as_u16(), again.header("idempotency-replayed")),
        (201, "true")
    );
}
