//! Limits of rate: of each user, and of each address whose keys and tokens are refused.

use reqwest::Method;
use tests::app::{Answer, Mode, TestApp};
use tests::in_both_modes;

/// The parameter of a structured field.
fn parameter(answer: &Answer, field: &str, name: &str) -> u64 {
    let value = answer.header(field);
    let mut parameters = value.split(';').filter_map(|part| part.split_once('='));
    let found = parameters.find(|(known, _)| *known == name);
    found
        .unwrap_or_else(|| panic!("{field}: {value}"))
        .1
        .parse()
        .unwrap()
}

#[track_caller]
fn is_limited(answer: &Answer, policy: &str) {
    answer.expect_problem(429, "rate_limited");
    assert_eq!(answer.header("ratelimit-policy"), policy);
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=3_600).contains(&wait), "{wait}");
    assert_eq!(parameter(answer, "ratelimit", "r"), 0);
    assert_eq!(parameter(answer, "ratelimit", "t"), wait);
}

#[in_both_modes]
async fn a_user_comes_as_often_as_the_operator_says(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_RATE_LIMIT", "6/h")])
        .start()
        .await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    for left in [5, 4] {
        let answer = alice.get("/v1/documents").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=6;w=3600");
        assert_eq!(parameter(&answer, "ratelimit", "r"), left);
        assert!(parameter(&answer, "ratelimit", "t") > 0);
    }
    // One with a key is one; what fails counts as well.
    let keyed = alice
        .request(Method::DELETE, "/v1/documents/x")
        .header("idempotency-key", "k");
    let answer = alice.send(keyed).await;
    assert_eq!(
        (answer.status.as_u16(), parameter(&answer, "ratelimit", "r")),
        (404, 3)
    );
    for left in [2, 1, 0] {
        assert_eq!(
            parameter(&alice.get("/v1/usage").await, "ratelimit", "r"),
            left
        );
    }
    for _ in 0..3 {
        is_limited(&alice.get("/v1/documents").await, "\"default\";q=6;w=3600");
    }
    let keyed = alice
        .request(Method::DELETE, "/v1/documents/x")
        .header("idempotency-key", "k");
    is_limited(&alice.send(keyed).await, "\"default\";q=6;w=3600");
    // Nobody else is held up, and what needs no token is not counted.
    assert_eq!(parameter(&bob.get("/v1/usage").await, "ratelimit", "r"), 5);
    for _ in 0..10 {
        for path in ["/health/live", "/docs", "/openapi.json"] {
            let answer = alice.get(path).await;
            assert_eq!(
                (answer.status.as_u16(), answer.header("ratelimit")),
                (200, "")
            );
        }
    }
}

#[in_both_modes]
async fn whoever_tries_keys_is_held_up_and_shuts_nobody_out(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_AUTH_RATE_LIMIT", "3/h")])
        .start()
        .await;
    let alice = app.user("alice").await;
    for number in 0..3 {
        let answer = app
            .bearer(&format!("wrong {number}"))
            .get("/v1/documents")
            .await;
        answer.expect_problem(401, "unauthorized");
    }
    for number in 3..6 {
        let answer = app
            .bearer(&format!("wrong {number}"))
            .get("/v1/documents")
            .await;
        is_limited(&answer, "\"authentication\";q=3;w=3600");
    }
    // Those behind the same address with good keys pass, and who sends none is told what is missing.
    for _ in 0..5 {
        let answer = alice.get("/v1/documents").await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("ratelimit")),
            (200, "")
        );
    }
    app.nobody()
        .get("/v1/documents")
        .await
        .expect_problem(401, "unauthorized");
}

#[in_both_modes]
async fn an_operator_may_lift_the_limit(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_AUTH_RATE_LIMIT", "off")])
        .start()
        .await;
    for _ in 0..70 {
        app.bearer("wrong")
            .get("/v1/documents")
            .await
            .expect_problem(401, "unauthorized");
    }
}
