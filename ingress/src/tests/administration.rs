//! Users, keys and tokens.

use domain::Timestamp;
use jsonwebtoken::{EncodingKey, Header, encode};
use poem::http::Method;
use serde_json::json;
use telemetry::Circuit;

use super::app::{Answer, App, JWT_SECRET};

const UNKNOWN: &str = "0190a5c0-0000-7000-8000-000000000000";

fn problem(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn users_are_managed_by_admins() {
    let app = App::start().await;
    let admin = app.admin();
    let added = admin
        .post_json(
            "/v1/admin/users",
            &json!({"name": "carol", "quota_documents": 3}),
        )
        .await;
    assert_eq!(added.status, 201);
    let location = added.header("location").unwrap().to_owned();
    assert_eq!(admin.get(&location).await.json(), added.json());
    assert_eq!(
        (&added.json()["role"], &added.json()["quota_bytes"]),
        (&json!("user"), &json!(null))
    );
    let twice = admin
        .post_json("/v1/admin/users", &json!({"name": "carol"}))
        .await;
    assert_eq!(twice.problem(), problem(409, "unique_name_taken"));
    let bad = admin
        .post_json("/v1/admin/users", &json!({"name": "", "age": 7}))
        .await;
    assert_eq!(bad.pointers(), ["/name", "/age"]);

    let changed = admin
        .patch(&location, &json!({"name": "dora", "quota_documents": null}))
        .await;
    assert_eq!(
        (&changed.json()["name"], &changed.json()["quota_documents"]),
        (&json!("dora"), &json!(null))
    );
    let plain = admin
        .send(
            Method::PATCH,
            &location,
            &[("content-type", "text/plain")],
            "{}",
        )
        .await;
    assert_eq!(plain.problem(), problem(415, "unsupported_media_type"));

    let names = |answer: &Answer| -> Vec<_> {
        let items = answer.json()["items"].as_array().unwrap().clone();
        items
            .iter()
            .map(|user| user["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names(&admin.get("/v1/admin/users").await),
        ["dora", "admin"]
    );
    assert_eq!(admin.delete(&location).await.status, 204);
    assert_eq!(
        admin.delete(&location).await.problem(),
        problem(404, "not_found")
    );
    let own = admin.get("/v1/admin/users").await.json()["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        admin.delete(&format!("/v1/admin/users/{own}")).await.status,
        409
    );
    assert_eq!(
        admin
            .patch(&format!("/v1/admin/users/{own}"), &json!({"role": "user"}))
            .await
            .status,
        409
    );
}

#[tokio::test]
async fn a_removed_key_opens_nothing() {
    let app = App::start().await;
    let (admin, alice) = (app.admin(), app.alice().await);
    assert_eq!(alice.get("/v1/documents").await.status, 200);
    let keys = format!("/v1/admin/users/{}/keys", alice.id);
    let list = admin.get(&keys).await.json();
    assert!(list["items"][0].get("key").is_none());
    let key = format!("{keys}/{}", list["items"][0]["id"].as_str().unwrap());
    assert_eq!(admin.delete(&key).await.status, 204);
    assert_eq!(admin.delete(&key).await.status, 404);
    assert_eq!(
        alice.get("/v1/documents").await.problem(),
        problem(401, "unauthorized")
    );
    let unknown = admin
        .post_json(&format!("/v1/admin/users/{UNKNOWN}/keys"), &json!({}))
        .await;
    assert_eq!(unknown.problem(), problem(404, "not_found"));
}

#[tokio::test]
async fn a_token_brings_its_user_along() {
    let app = App::start().await;
    let token = |sub: &str, exp: i64| {
        let claims = json!({"sub": sub, "exp": exp});
        encode(
            &Header::default(),
            &claims,
            &EncodingKey::from_secret(JWT_SECRET.as_bytes()),
        )
        .unwrap()
    };
    let erin = app.with_token(Some(&token("erin", 9_999_999_999)), "");
    let first = erin.uploads("a.txt", "x").await.json();
    let second = erin.uploads("b.txt", "x").await.json();
    assert_eq!(first["owner"], second["owner"]);
    let expired = app
        .with_token(Some(&token("erin", 1)), "")
        .get("/v1/documents")
        .await;
    assert_eq!(expired.problem(), problem(401, "unauthorized"));
}

#[tokio::test]
async fn queues_tell_what_their_jobs_wait_for() {
    let app = App::start().await;
    let admin = app.admin();
    let meters = &app.service.meters;
    let queues = || async { admin.get("/v1/admin/queues").await.json()["items"].clone() };
    let quiet = queues().await;
    assert!(quiet[0].get("waits_for").is_none(), "{quiet}");
    meters.circuit(Circuit::Store, true);
    meters.circuit(Circuit::Database, true);
    for queue in queues().await.as_array().unwrap() {
        // Deliveries to webhooks need no storage.
        let expected = match queue["queue"].as_str() {
            Some("deliver") => json!(["database"]),
            _ => json!(["database", "store"]),
        };
        assert_eq!(queue["waits_for"], expected, "{queue}");
    }
    meters.circuit(Circuit::Store, false);
    meters.circuit(Circuit::Database, false);
    assert_eq!(queues().await, quiet);
}

#[tokio::test]
async fn recurring_jobs_tell_their_next_time() {
    let app = App::start().await;
    let now = app.service.clock.now().as_micros();
    let listed = app.admin().get("/v1/admin/schedule").await.json();
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.len(), 16, "{listed}");
    for job in items {
        let next = Timestamp::parse_rfc3339(job["next_at"].as_str().unwrap()).unwrap();
        let every = i64::try_from(job["every_seconds"].as_u64().unwrap()).unwrap() * 1_000_000;
        assert!(next.as_micros() > now, "{job}");
        assert_eq!(next.as_micros() % every, 0, "{job}");
        assert_eq!(job["queue"], "maintenance");
    }
    assert!(items.is_sorted_by_key(|job| job["next_at"].as_str()));
}

#[tokio::test]
async fn the_last_hour_is_told_by_the_minute() {
    let app = App::start().await;
    let (alice, admin) = (app.alice().await, app.admin());
    let (meters, clock) = (&app.service.meters, &app.service.clock);
    assert_eq!(alice.uploads("a.txt", "four").await.status, 202);
    meters.end_minute(clock.now());
    let told = admin.get("/v1/admin/activity").await.json();
    let minutes = told["minutes"].as_array().unwrap();
    let count =
        |minute: &serde_json::Value| (minute["uploads"].as_u64(), minute["upload_bytes"].as_u64());
    let counts: Vec<_> = minutes.iter().map(count).collect();
    assert_eq!(counts, [(Some(1), Some(4)), (Some(0), Some(0))], "{told}");
    assert_eq!(minutes[1]["waiting_jobs"], 1, "{told}");
}
