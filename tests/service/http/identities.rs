//! Of whom tokens speak: users are linked by admins and operators, never matched by name.

use std::time::Duration;

use domain::{Clock, SystemClock};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::content::PDF;
use tests::feed::Stream;
use tests::in_both_modes;
use tests::servers::Dossier;

const SECRET: &str = "a secret of the tests that is long enough";

const ISSUER: &str = "https://id.example.com";

pub const SETTINGS: [(&str, &str); 2] = [
    ("DOSSIER_JWT_SECRET", SECRET),
    ("DOSSIER_JWT_CREATE_USERS", "true"),
];

/// A token with these claims, good for long.
pub fn token(claims: Value) -> String {
    token_until(4_102_444_800, claims)
}

/// A token with these claims, good until then, in seconds since the epoch.
fn token_until(end: i64, mut claims: Value) -> String {
    claims["exp"] = json!(end);
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
}

pub fn account(client: &Client) -> String {
    format!("/v1/admin/users/{}", client.user.as_deref().unwrap())
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let app = TestApp::builder(Mode::Embedded)
        .settings(&SETTINGS)
        .start()
        .await;
    let claims = json!({"sub": "carol"});
    let end = SystemClock.now().plus(Duration::from_secs(20));
    let carol = app.bearer(&token_until(end.as_micros() / 1_000_000, claims.clone()));
    let stream = Stream::open(&carol, "", None).await;
    let lasting = app.bearer(&token(claims));
    let mut lasting = Stream::open(&lasting, "", None).await;
    stream.ends().await;
    lasting.is_idle_for(1).await;
    carol
        .get("/v1/events")
        .await
        .expect_problem(401, "unauthorized");
    drop(lasting);
    app.ends_clean().await;
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
    // Unlinked, it is somebody new; what it reads ends, and what another one reads doesn't.
    let other = app.bearer(&token(json!({"sub": "a"})));
    let mut kept = Stream::open(&other, "?after=now&types=document.accepted", None).await;
    let ended = Stream::open(&seven, "?types=ticket.used", None).await;
    let unlinked = json!({"identities": [{"issuer": "", "subject": "a"}]});
    admin
        .patch_json(&account(&alice), &unlinked)
        .await
        .expecting(200);
    ended.ends().await;
    alice.active("a.pdf", PDF).await;
    assert_eq!(kept.next().await.kind, "document.accepted");
    drop(kept);
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
