//! Users, keys and tokens.

use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Mode, TestApp};
use tests::content::PDF;
use tests::in_both_modes;

#[in_both_modes]
async fn a_user_is_added_changed_and_deleted(mode: Mode) {
    let app = TestApp::start(mode).await;
    let admin = app.admin();
    let answer = admin
        .post_json(
            "/v1/admin/users",
            &json!({"name": "alice", "quota_bytes": 10}),
        )
        .await
        .answer();
    let alice = answer.expecting(201);
    let path = format!("/v1/admin/users/{}", alice["id"].as_str().unwrap());
    assert_eq!(answer.header("location"), path);
    assert_eq!(
        (
            &alice["role"],
            &alice["quota_bytes"],
            &alice["quota_documents"]
        ),
        (&json!("user"), &json!(10), &Value::Null)
    );
    admin
        .post_json("/v1/admin/users", &json!({"name": "alice"}))
        .await
        .answer()
        .expect_problem(409, "unique_name_taken");
    admin
        .post_json("/v1/admin/users", &json!({"name": "bob", "colour": 1}))
        .await
        .answer()
        .expect_problem(422, "invalid");
    admin
        .post_json("/v1/admin/users", &json!({}))
        .await
        .answer()
        .expect_problem(422, "invalid");

    let changed = admin
        .patch_json(&path, &json!({"name": "alicia", "quota_bytes": null}))
        .await
        .expecting(200);
    assert_eq!(
        (&changed["name"], &changed["quota_bytes"]),
        (&json!("alicia"), &Value::Null)
    );
    assert_eq!(admin.get(&path).await.expecting(200), changed);
    let names = admin.get("/v1/admin/users").await.expecting(200);
    assert_eq!(names["items"].as_array().unwrap().len(), 2);
    admin.delete(&path).await.expecting(204);
    admin.get(&path).await.expect_problem(404, "not_found");
}

#[in_both_modes]
async fn the_last_admin_stays(mode: Mode) {
    let app = TestApp::start(mode).await;
    let admin = app.admin();
    let users = admin.get("/v1/admin/users").await.expecting(200);
    let path = format!(
        "/v1/admin/users/{}",
        users["items"][0]["id"].as_str().unwrap()
    );
    assert_eq!(admin.delete(&path).await.status, 409);
    assert_eq!(
        admin
            .patch_json(&path, &json!({"role": "user"}))
            .await
            .status,
        409
    );
    app.user_with(json!({"name": "root", "role": "admin"}))
        .await;
    admin.delete(&path).await.expecting(204);
    admin
        .get("/v1/admin/users")
        .await
        .expect_problem(401, "unauthorized");
}

#[in_both_modes]
async fn a_key_works_until_it_is_removed(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let keys = format!("/v1/admin/users/{}/keys", alice.user.as_deref().unwrap());
    alice.get("/v1/documents").await.expecting(200);
    let created = app
        .admin()
        .send(app.admin().request(Method::POST, &keys))
        .await
        .expecting(201);
    let second = app.bearer(created["key"].as_str().unwrap());
    second.get("/v1/documents").await.expecting(200);
    let list = app.admin().get(&keys).await.expecting(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    assert!(
        !list.to_string().contains(created["key"].as_str().unwrap()),
        "a key is shown once"
    );
    app.admin()
        .delete(&format!("{keys}/{}", created["id"].as_str().unwrap()))
        .await
        .expecting(204);
    second
        .get("/v1/documents")
        .await
        .expect_problem(401, "unauthorized");
    alice.get("/v1/documents").await.expecting(200);
}

#[in_both_modes]
async fn a_deleted_user_takes_documents_and_bytes_along(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let shared = bob.uploads("same.pdf", PDF).await;
    bob.settled(&shared).await;
    for name in ["same.pdf", "same again.pdf"] {
        let pending = alice.uploads(name, PDF).await;
        alice.settled(&pending).await;
    }
    let own = alice.uploads("own.txt", "nobody else has this\n").await;
    alice.settled(&own).await;
    alice.uploads("perhaps pending.txt", "nor this\n").await;
    let path = format!("/v1/admin/users/{}", alice.user.as_deref().unwrap());
    app.admin().delete(&path).await.expecting(204);
    assert_eq!(bob.downloads(&shared).await, PDF);
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_token_is_taken_if_it_is_signed_and_in_time(mode: Mode) {
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};

    let secret = "a secret of the tests that is long enough";
    let settings = [
        ("DOSSIER_JWT_SECRET", secret),
        ("DOSSIER_JWT_AUDIENCE", "dossier"),
        ("DOSSIER_JWT_CREATE_USERS", "true"),
    ];
    let app = TestApp::builder(mode).settings(&settings).start().await;
    let token = |algorithm, secret: &str, claims: Value| {
        encode(
            &Header::new(algorithm),
            &claims,
            &EncodingKey::from_secret(secret.as_bytes()),
        )
        .unwrap()
    };
    let (later, before) = (4_102_444_800_u64, 1_000_000_000_u64);
    let good = json!({"sub": "carol", "exp": later, "aud": "dossier"});
    let carol = app.bearer(&token(Algorithm::HS256, secret, good.clone()));
    let pending = carol.uploads("carol.pdf", PDF).await;
    assert_eq!(carol.settled(&pending).await["status"], "active");
    for (algorithm, secret, claims) in [
        (Algorithm::HS512, secret, good.clone()),
        (
            Algorithm::HS256,
            "another secret that is long enough too",
            good,
        ),
        (
            Algorithm::HS256,
            secret,
            json!({"sub": "carol", "exp": before, "aud": "dossier"}),
        ),
        (
            Algorithm::HS256,
            secret,
            json!({"sub": "carol", "exp": later, "aud": "other"}),
        ),
        (
            Algorithm::HS256,
            secret,
            json!({"sub": "carol", "exp": later}),
        ),
        (
            Algorithm::HS256,
            secret,
            json!({"sub": "carol", "aud": "dossier"}),
        ),
        (
            Algorithm::HS256,
            secret,
            json!({"exp": later, "aud": "dossier"}),
        ),
    ] {
        let client = app.bearer(&token(algorithm, secret, claims.clone()));
        let answer = client.get("/v1/documents").await;
        answer.expect_problem(401, "unauthorized");
    }
    let users = app.admin().get("/v1/admin/users").await.expecting(200);
    assert_eq!(users["items"].as_array().unwrap().len(), 2);
}
