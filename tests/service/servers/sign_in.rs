//! Signing in with a provider: who becomes which user, with which role and for how long, and who is
//! refused.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{COOKIE, HeaderName, SET_COOKIE};
use serde_json::{Value, json};
use tests::app::{Answer, Client, Dsr, Mode, Run, TestApp};
use tests::in_both_modes;
use tests::poll::wait_until;
use tests::scripts::drives_a_browser;
use tests::servers::{Arrival, Browser, OidcProvider, program_named};
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// A service that lets people sign in, with these settings besides.
async fn started(mode: Mode, further: &[(&'static str, &str)]) -> (TestApp, OidcProvider) {
    let app = TestApp::start(mode).await;
    let api = app.ingress().api();
    let provider = OidcProvider::start(&api).await;
    let mut settings = provider.settings(&api);
    settings.extend(
        further
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned())),
    );
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    app.ingress().terminate().await;
    app.ingress().restart_with(&settings).await;
    (app, provider)
}

/// The path of the callback that the provider leads a browser to, and the browser's cookie.
async fn let_in(app: &TestApp, provider: &OidcProvider, account: &str) -> (String, String) {
    let api = app.ingress().api();
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let begun = http.build().unwrap().get(format!("{api}/oidc/sign-in"));
    let begun = begun.send().await.unwrap();
    assert_eq!(begun.status().as_u16(), 303);
    let field = |name: HeaderName| begun.headers()[name].to_str().unwrap().to_owned();
    let (place, cookie) = (field(reqwest::header::LOCATION), field(SET_COOKIE));
    for part in ["HttpOnly", "SameSite=Lax", "Max-Age=600"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    for part in ["code_challenge_method=S256", "nonce=", "state="] {
        assert!(place.contains(part), "{place}");
    }
    let arrival = Browser::default().signs_in(provider, &place, account).await;
    let Arrival::Left(callback) = arrival else {
        panic!("{arrival:?}");
    };
    let path = callback.strip_prefix(&api).unwrap().to_owned();
    (path, cookie.split(';').next().unwrap().to_owned())
}

/// The answer to a browser that comes back from the provider.
async fn back(app: &TestApp, path: &str, cookie: &str) -> Answer {
    let nobody = app.nobody();
    let request = nobody.request(Method::GET, path).header(COOKIE, cookie);
    nobody.send(request).await
}

fn key_in(page: &Answer) -> Option<String> {
    let text = page.text();
    let rest = text.split_once("name=\"dossier-key\" content=\"")?.1;
    Some(rest.split_once('"')?.0.to_owned())
}

/// Somebody who has signed in with a browser.
async fn signed_in(app: &TestApp, provider: &OidcProvider, account: &str) -> (Client, Value) {
    let (path, cookie) = let_in(app, provider, account).await;
    let page = back(app, &path, &cookie).await;
    assert_eq!(page.status.as_u16(), 200, "{}", page.text());
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(page.header("set-cookie").contains("Max-Age=0"));
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    let client = app.bearer(&key_in(&page).unwrap());
    let me = client.get("/v1/me").await.expecting(200);
    (client, me)
}

/// The console is what a failed sign-in leads to, so there is no key.
async fn refused(app: &TestApp, path: &str, cookie: &str) {
    let page = back(app, path, cookie).await;
    assert_eq!(key_in(&page), None, "{path}");
    assert!(page.text().contains("/console/app.js"), "{}", page.text());
}

#[in_both_modes]
async fn who_signs_in_is_the_user_of_that_subject_and_of_no_name(mode: Mode) {
    let create = ("DOSSIER_OIDC_CREATE_USERS", "true");
    let (app, provider) = started(mode, &[create]).await;
    let (alice, bob, admin) = (app.user("alice").await, app.user("bob").await, app.admin());

    // A name gives nobody the user who has it.
    let (_, me) = signed_in(&app, &provider, "alice").await;
    assert_eq!(
        (&me["name"], &me["role"]),
        (&json!("alice (2)"), &json!("user"))
    );
    assert_ne!(me["id"], json!(alice.user));
    assert!(me["key"]["expires_at"].is_string(), "{me}");
    let (_, other) = signed_in(&app, &provider, "admin").await;
    assert_eq!(
        (&other["name"], &other["role"]),
        (&json!("admin (2)"), &json!("user"))
    );

    // The provider makes its own users admins, and ordinary users again.
    provider.groups("alice", &["staff", "dossier-admins"]).await;
    let (chief, again) = signed_in(&app, &provider, "alice").await;
    assert_eq!((&again["id"], &again["role"]), (&me["id"], &json!("admin")));
    chief.get("/v1/admin/users").await.expecting(200);
    provider.groups("alice", &["staff"]).await;
    let (_, again) = signed_in(&app, &provider, "alice").await;
    assert_eq!((&again["id"], &again["role"]), (&me["id"], &json!("user")));
    let patience = Duration::from_mins(1);
    wait_until(patience, "the end of the rights", async || {
        chief.get("/v1/admin/users").await.status.as_u16() == 403
    })
    .await;

    // Whom an admin has linked keeps the role that an admin gave.
    let linked = json!({"identities": [{"issuer": provider.issuer(), "subject": "bob"}]});
    let path = format!("/v1/admin/users/{}", bob.user.as_deref().unwrap());
    admin.patch_json(&path, &linked).await.expecting(200);
    provider.groups("bob", &["dossier-admins"]).await;
    let (_, me) = signed_in(&app, &provider, "bob").await;
    assert_eq!((&me["id"], &me["role"]), (&json!(bob.user), &json!("user")));
    admin
        .patch_json(&path, &json!({"disabled": true}))
        .await
        .expecting(200);
    let (path, cookie) = let_in(&app, &provider, "bob").await;
    refused(&app, &path, &cookie).await;

    // Signing out is the end of the key.
    let (client, me) = signed_in(&app, &provider, "carol").await;
    let key = format!("/v1/keys/{}", me["key"]["id"].as_str().unwrap());
    client.delete(&key).await.expecting(204);
    client
        .get("/v1/me")
        .await
        .expect_problem(401, "unauthorized");
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_the_provider_is_good_once_for_the_browser_that_asked() {
    let create = ("DOSSIER_OIDC_CREATE_USERS", "true");
    let (app, provider) = started(Mode::Embedded, &[create]).await;
    let (path, cookie) = let_in(&app, &provider, "alice").await;
    let (_, of_another) = let_in(&app, &provider, "mallory").await;
    refused(&app, &path, "").await;
    refused(&app, &path, &of_another).await;
    refused(&app, &path, &format!("{cookie}; {cookie}")).await;
    refused(&app, &path.replace("state=", "state=x"), &cookie).await;
    refused(&app, &path.replace("code=", "code=x"), &cookie).await;
    refused(&app, &path.replace("iss=", "iss=x"), &cookie).await;
    refused(&app, &format!("{path}&code=x"), &cookie).await;
    let page = back(&app, &path, &cookie).await;
    assert!(key_in(&page).is_some(), "{}", page.text());
    refused(&app, &path, &cookie).await;
    app.ends_clean().await;
}

/// The answer to a program with a token of these claims.
async fn exchanges(app: &TestApp, token: &str) -> Answer {
    let body = json!({"id_token": token});
    app.nobody().post_json("/v1/sign-in", &body).await.answer()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_for_anybody_else_gets_no_key() {
    let few = ("DOSSIER_AUTH_RATE_LIMIT", "30/h");
    let (app, provider) = started(Mode::Embedded, &[few]).await;
    let bob = app.user("bob").await;
    let linked = json!({"identities": [{"issuer": provider.issuer(), "subject": "bob"}]});
    let path = format!("/v1/admin/users/{}", bob.user.as_deref().unwrap());
    app.admin().patch_json(&path, &linked).await.expecting(200);

    let good = json!({"iss": provider.issuer(), "sub": "bob", "aud": "dsr"});
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let another = OidcProvider::start("http://127.0.0.1:1").await;
    let token = provider.signs(&good).await;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut wrong = vec![
        another.signs(&good).await,
        format!("{signed}.{}", signature.chars().rev().collect::<String>()),
        format!("{signed}."),
        "a.b.c".to_owned(),
    ];
    for (name, value) in [
        ("aud", json!("dossier")),
        ("aud", json!(["dsr", "others"])),
        ("azp", json!("others")),
        ("iss", json!(another.issuer())),
        ("sub", json!("")),
        ("exp", json!(-1)),
        ("iat", json!(-700)),
        ("nonce", json!("of the console")),
    ] {
        wrong.push(provider.signs(&with(name, value)).await);
    }
    for token in wrong {
        let answer = exchanges(&app, &token).await;
        answer.expect_problem(401, "unauthorized");
    }
    // Nobody is made a user.
    let stranger = provider.signs(&with("sub", json!("stranger"))).await;
    let answer = exchanges(&app, &stranger).await;
    answer.expect_problem(403, "forbidden");

    // A user has sixteen such keys: another one ends the oldest.
    let mut keys = Vec::new();
    for _ in 0..17 {
        let made = exchanges(&app, &token).await.expecting(201);
        keys.push(app.bearer(made["key"].as_str().unwrap()));
    }
    let me = keys[16].get("/v1/me").await.expecting(200);
    assert_eq!(me["id"], json!(bob.user));
    keys[1].get("/v1/me").await.expecting(200);
    keys[0]
        .get("/v1/me")
        .await
        .expect_problem(401, "unauthorized");

    // An address may try so often.
    wait_until(
        Duration::from_mins(1),
        "the limit of the address",
        async || exchanges(&app, &token).await.status.as_u16() == 429,
    )
    .await;
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_sign_in_and_out_in_a_real_browser() {
    let create = ("DOSSIER_OIDC_CREATE_USERS", "true");
    let (app, _provider) = started(Mode::Embedded, &[create]).await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/service/servers/sign_in.cjs");
    drives_a_browser(&app, script.as_ref(), &[]).await;
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dsr_signs_in_by_a_browser_and_out_again() {
    let create = ("DOSSIER_OIDC_CREATE_USERS", "true");
    let (app, provider) = started(Mode::Embedded, &[create]).await;
    let dsr = Dsr::of_nobody();
    let mut command = dsr.command(&program_named("dsr"));
    let login = command.args(["login", &app.ingress().api(), "--browser"]);
    let mut login = login.spawn().expect("dsr was built");
    let mut told = BufReader::new(login.stderr.take().unwrap()).lines();
    let told = told.next_line().await.unwrap().unwrap_or_default();
    let mut words = told.split_whitespace();
    let url = words.find(|word| word.starts_with("http")).expect(&told);
    let arrival = Browser::default().signs_in(&provider, url, "alice").await;
    assert!(
        matches!(&arrival, Arrival::Page(page) if page.contains("Success")),
        "{arrival:?}"
    );
    let ended = Run::of(&login.wait_with_output().await.unwrap());
    assert!(
        ended.code == 0 && ended.out.contains("as alice"),
        "{ended:?}"
    );

    assert!(dsr.does(&["ls"]).await.is_empty());
    let kept = std::fs::read(dsr.home().join(".config/dsr/config.json")).unwrap();
    let kept: Value = domain::read_json(&kept).unwrap();
    let client = app.bearer(kept["key"].as_str().unwrap());
    client.get("/v1/me").await.expecting(200);
    let out = dsr.run(&["logout"]).await;
    assert!(out.code == 0 && out.error.contains("removed"), "{out:?}");
    client
        .get("/v1/me")
        .await
        .expect_problem(401, "unauthorized");
    app.ends_clean().await;
}
