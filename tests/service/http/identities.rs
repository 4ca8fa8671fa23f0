//! Of whom tokens speak, and users who are disabled.

use std::time::Duration;

use domain::{KeyId, Role, Sha256};
use futures::StreamExt as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ledger::{ApiKey, BootstrapKeyError, Database, add_key, ensure_bootstrap_key, find_key_holder};
use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::content::PDF;
use tests::ledger::{NOW, user};
use tests::poll::poll;
use tests::servers::Dossier;
use tests::{in_both_modes, on_each_database};

const SECRET: &str = "a secret of the tests that is long enough";
const ISSUER: &str = "https://id.example.com";
const SETTINGS: [(&str, &str); 2] = [
    ("DOSSIER_JWT_SECRET", SECRET),
    ("DOSSIER_JWT_CREATE_USERS", "true"),
];

/// A token with these claims, good for long.
fn token(mut claims: Value) -> String {
    claims["exp"] = json!(4_102_444_800_u64);
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
}

fn account(client: &Client) -> String {
    format!("/v1/admin/users/{}", client.user.as_deref().unwrap())
}

/// Whose documents an upload by the client would be.
async fn is_user(client: &Client) -> String {
    let document = client.uploads("who.pdf", PDF).await;
    document["owner"].as_str().unwrap().to_owned()
}

async fn names(app: &TestApp) -> Vec<String> {
    let users = app.admin().get("/v1/admin/users").await.expecting(200);
    let users = users["items"].as_array().unwrap().iter();
    users
        .map(|user| user["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Nothing of it ever ends, and the first byte is there.
fn endless() -> reqwest::Body {
    let first = futures::stream::iter([Ok::<_, std::io::Error>("x")]);
    reqwest::Body::wrap_stream(first.chain(futures::stream::pending()))
}

#[in_both_modes]
async fn a_token_is_never_taken_for_somebody_of_that_name(mode: Mode) {
    let app = TestApp::builder(mode).settings(&SETTINGS).start().await;
    let (admin, alice) = (app.admin(), app.user("alice").await);
    let id = alice.user.as_deref().unwrap();
    for claims in [
        json!({"sub": "admin"}),
        json!({"sub": "admin", "iss": ISSUER}),
        json!({"sub": "1", "preferred_username": "admin", "name": "admin"}),
    ] {
        let client = app.bearer(&token(claims.clone()));
        client
            .get("/v1/admin/users")
            .await
            .expect_problem(403, "forbidden");
    }
    let mut seen = Vec::new();
    for claims in [
        json!({"sub": "alice"}),
        json!({"sub": id}),
        json!({"sub": "alice", "iss": ISSUER}),
    ] {
        let client = app.bearer(&token(claims.clone()));
        let own = is_user(&client).await;
        assert_eq!(own, is_user(&client).await, "{claims}");
        assert_ne!(own, id, "{claims}");
        assert!(!seen.contains(&own), "{claims}: two issuers are two people");
        seen.push(own);
    }
    let known = names(&app).await;
    assert!(
        known.contains(&"alice (2)".to_owned()) && known.contains(&"admin (4)".to_owned()),
        "{known:?}"
    );

    // A rename hands nothing over.
    let carol = app.bearer(&token(json!({"sub": "carol"})));
    let first = is_user(&carol).await;
    admin
        .patch_json(
            &format!("/v1/admin/users/{first}"),
            &json!({"name": "dora"}),
        )
        .await
        .expecting(200);
    admin
        .patch_json(&account(&alice), &json!({"name": "carol"}))
        .await
        .expecting(200);
    assert_eq!(is_user(&carol).await, first);
    // What the database can't keep is a bad token like any other.
    for claims in [
        json!({"sub": "a\u{0}"}),
        json!({"sub": "a", "iss": "\u{0}"}),
        json!({"sub": "x".repeat(256)}),
    ] {
        app.bearer(&token(claims))
            .get("/v1/documents")
            .await
            .expect_problem(401, "unauthorized");
    }
    let odd = app.bearer(&token(
        json!({"sub": "odd", "name": "\u{0}", "preferred_username": 7}),
    ));
    is_user(&odd).await;
    assert!(names(&app).await.contains(&"odd".to_owned()));
}

#[in_both_modes]
async fn an_admin_links_users_to_whom_tokens_speak_of(mode: Mode) {
    let app = TestApp::builder(mode).settings(&SETTINGS).start().await;
    let (admin, alice, bob) = (app.admin(), app.user("alice").await, app.user("bob").await);
    let linked =
        json!({"identities": [{"issuer": ISSUER, "subject": "7"}, {"issuer": "", "subject": "a"}]});
    let shown = admin
        .patch_json(&account(&alice), &linked)
        .await
        .expecting(200);
    assert_eq!(
        shown["identities"],
        json!([{"issuer": "", "subject": "a"}, {"issuer": ISSUER, "subject": "7"}])
    );
    assert_eq!(shown["disabled"], false);
    assert_eq!(admin.get(&account(&alice)).await.expecting(200), shown);
    let seven = app.bearer(&token(json!({"sub": "7", "iss": ISSUER})));
    assert_eq!(is_user(&seven).await, alice.user.as_deref().unwrap());

    let taken = json!({"identities": [{"issuer": ISSUER, "subject": "7"}]});
    admin
        .patch_json(&account(&bob), &taken)
        .await
        .expect_problem(409, "unique_name_taken");
    let taken = json!({"name": "eve", "identities": [{"issuer": "", "subject": "a"}]});
    admin
        .post_json("/v1/admin/users", &taken)
        .await
        .answer()
        .expect_problem(409, "unique_name_taken");
    for bad in [
        json!([{"issuer": ISSUER}]),
        json!([{"issuer": "\u{0}", "subject": "x"}]),
        json!(null),
    ] {
        admin
            .patch_json(&account(&bob), &json!({"identities": bad}))
            .await
            .expect_problem(422, "invalid");
    }
    // Unlinked, it is somebody new.
    admin
        .patch_json(&account(&alice), &json!({"identities": []}))
        .await
        .expecting(200);
    let stranger = is_user(&seven).await;
    assert_ne!(stranger, alice.user.as_deref().unwrap());

    // Deleted, they don't come back, until an admin says so.
    admin
        .delete(&format!("/v1/admin/users/{stranger}"))
        .await
        .expecting(204);
    for _ in 0..2 {
        seven
            .get("/v1/documents")
            .await
            .expect_problem(401, "unauthorized");
    }
    let again = json!({"identities": [{"issuer": ISSUER, "subject": "7"}]});
    admin
        .patch_json(&account(&bob), &again)
        .await
        .expecting(200);
    assert_eq!(is_user(&seven).await, bob.user.as_deref().unwrap());
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

#[in_both_modes]
async fn operators_link_and_disable_users(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&SETTINGS[..1])
        .start()
        .await;
    let alice = app.user("alice").await;
    let by_token = app.bearer(&token(json!({"sub": "old", "iss": ISSUER})));
    by_token
        .get("/v1/documents")
        .await
        .expect_problem(401, "unauthorized");
    let run = async |words: &[&str]| Dossier::run(words, app.variables()).await;
    run(&["user", "link", "alice", ISSUER, "old"]).await;
    assert_eq!(is_user(&by_token).await, alice.user.as_deref().unwrap());
    run(&["user", "disable", "alice"]).await;
    alice
        .get("/v1/documents")
        .await
        .expect_problem(403, "disabled");
    run(&["user", "enable", alice.user.as_deref().unwrap()]).await;
    alice.get("/v1/documents").await.expecting(200);
    run(&["user", "unlink", ISSUER, "old"]).await;
    by_token
        .get("/v1/documents")
        .await
        .expect_problem(401, "unauthorized");
}

#[in_both_modes]
async fn an_id_has_one_spelling(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let document = alice.uploads("a.pdf", PDF).await;
    let id = document["id"].as_str().unwrap();
    alice
        .get(&format!("/v1/documents/{id}"))
        .await
        .expecting(200);
    for other in [
        id.to_uppercase(),
        id.replace('-', ""),
        format!("%7B{id}%7D"),
        format!("urn:uuid:{id}"),
    ] {
        alice
            .get(&format!("/v1/documents/{other}"))
            .await
            .expect_problem(404, "not_found");
        alice
            .delete(&format!("/v1/documents/{other}"))
            .await
            .expect_problem(404, "not_found");
        let select = json!({"action": "archive", "select": {"ids": [other]}});
        alice
            .post_json("/v1/operations", &select)
            .await
            .answer()
            .expect_problem(422, "invalid");
    }
}

#[on_each_database]
async fn the_bootstrap_key_stays_with_who_has_it(db: &Database) {
    let key = |text: &str| Sha256::of(text.as_bytes());
    // Somebody else was called so before.
    user(db, "admin").await;
    ensure_bootstrap_key(db, key("first"), NOW).await.unwrap();
    let first = find_key_holder(db, key("first")).await.unwrap().unwrap();
    assert_eq!(first.caller.role, Role::Admin);
    ensure_bootstrap_key(db, key("second"), NOW).await.unwrap();
    assert_eq!(find_key_holder(db, key("first")).await.unwrap(), None);
    assert_eq!(
        find_key_holder(db, key("second")).await.unwrap(),
        Some(first)
    );
    // A key that somebody else holds would leave nobody an admin.
    let other = user(db, "other").await;
    let issued = ApiKey {
        id: KeyId::new(NOW),
        user: other,
        created_at: NOW,
    };
    assert!(add_key(db, issued, key("issued")).await.unwrap());
    let refused = ensure_bootstrap_key(db, key("issued"), NOW).await;
    assert!(matches!(refused, Err(BootstrapKeyError::Issued)));
    assert_eq!(
        find_key_holder(db, key("second")).await.unwrap(),
        Some(first)
    );
    let holder = find_key_holder(db, key("issued")).await.unwrap();
    assert_eq!(holder.unwrap().caller.role, Role::User);
}
