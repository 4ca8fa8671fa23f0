//! A document's timeline: what happened to it, in order.

use reqwest::Method;
use serde_json::json;
use tests::app::{Mode, TestApp};
use tests::content::PDF;
use tests::in_both_modes;

#[in_both_modes]
async fn a_timeline_tells_what_happened_in_order(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let pending = alice.uploads("report.pdf", PDF).await;
    let document = alice.settled(&pending).await;
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    alice
        .patch_json(&path, &json!({"name": "final.pdf"}))
        .await
        .expecting(200);
    alice
        .send(alice.request(Method::POST, &format!("{path}/archive")))
        .await
        .expecting(200);
    let timeline = alice.get(&format!("{path}/timeline")).await.expecting(200);
    let items = timeline["items"].as_array().unwrap();
    let kinds: Vec<_> = items
        .iter()
        .map(|item| item["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds.first(), Some(&"accepted"), "{kinds:?}");
    assert_eq!(
        &kinds[kinds.len() - 2..],
        ["edited", "archived"],
        "{kinds:?}"
    );
    assert_eq!(items[0]["version"], 1);
    let worked = items.iter().find(|item| item["attempt"] == 1).unwrap();
    assert!(
        worked["worker"].is_string() && worked["duration_ms"].is_u64(),
        "{worked}"
    );
    for item in items {
        let members: Vec<_> = item
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            members,
            [
                "at",
                "attempt",
                "code",
                "duration_ms",
                "kind",
                "version",
                "worker"
            ]
        );
    }

    let paged = alice.all(&format!("{path}/timeline?limit=1")).await;
    assert_eq!(&paged, items);
    let bob = app.user("bob").await;
    bob.get(&format!("{path}/timeline"))
        .await
        .expect_problem(404, "not_found");
    let owned = format!("{path}/timeline?owner={}", alice.user.as_deref().unwrap());
    assert_eq!(app.admin().get(&owned).await.expecting(200), timeline);
}
