//! What operators see of queues, jobs and workers, and what they do about dead jobs.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Answer, Client, Ended, Mode, TestApp};
use tests::content::PDF;
use tests::in_both_modes;

/// Every text is of no allowed type.
const STRICT: (&str, &str) = ("DOSSIER_ALLOWED_TYPES", "application/pdf");

/// Documents that failed, as if every attempt had, with their jobs in the list of the dead.
async fn dead(app: &TestApp, client: &Client, count: usize) -> Vec<Value> {
    let mut documents = Vec::new();
    for index in 0..count {
        let pending = client.uploads(&format!("{index}.txt"), "words\n").await;
        documents.push(client.settled(&pending).await);
    }
    let gave_up = "UPDATE jobs SET state = 'dead', attempts = 8, last_error = 'no room' \
         WHERE kind = 'process_version' AND state = 'done'";
    assert_eq!(app.tampers(gave_up).await, count as u64);
    documents
}

async fn post(client: &Client, path: &str) -> Answer {
    client.send(client.request(Method::POST, path)).await
}

async fn items(client: &Client, path: &str) -> Vec<Value> {
    let list = client.get(path).await.expecting(200);
    list["items"].as_array().unwrap().clone()
}

#[in_both_modes]
async fn a_dead_job_is_seen_and_tried_again(mode: Mode) {
    let app = TestApp::builder(mode).settings(&[STRICT]).start().await;
    let (alice, admin) = (app.user("alice").await, app.admin());
    let document = dead(&app, &alice, 1).await.remove(0);
    let job = items(&admin, "/v1/admin/jobs?state=dead").await.remove(0);
    let expected = json!({
        "id": job["id"], "queue": "ingest", "kind": "process_version", "state": "dead",
        "subject": job["subject"], "attempts": 8, "last_error": "no room", "created_at": job["created_at"],
    });
    assert_eq!(job, expected);
    let ingest = items(&admin, "/v1/admin/queues").await.remove(0);
    assert_eq!(
        (&ingest["queue"], &ingest["dead"]),
        (&json!("ingest"), &json!(1))
    );

    let retry = format!("/v1/admin/jobs/{}/retry", job["id"].as_str().unwrap());
    let ready = post(&admin, &retry).await.expecting(202);
    assert_eq!(ready["id"], job["id"]);
    // Its bytes are as they were, so it ends as before: once more in order, not by giving up.
    let again = alice.settled(&document).await;
    assert_eq!(again["error"]["code"], "type_not_allowed");
    assert!(again["revision"].as_u64().unwrap() > document["revision"].as_u64().unwrap());
    let done = items(&admin, "/v1/admin/jobs?state=done&kind=process_version").await;
    assert_eq!(
        (&done[0]["id"], &done[0]["attempts"]),
        (&job["id"], &json!(1))
    );
    assert!(items(&admin, "/v1/admin/jobs?state=dead").await.is_empty());
    post(&admin, &retry)
        .await
        .expect_problem(409, "illegal_transition");
    app.ends_clean().await;
}

#[in_both_modes]
async fn many_dead_jobs_are_tried_again_at_once(mode: Mode) {
    let app = TestApp::builder(mode).settings(&[STRICT]).start().await;
    let (alice, admin) = (app.user("alice").await, app.admin());
    let documents = dead(&app, &alice, 5).await;
    let many = "/v1/admin/jobs/retry";
    let none = admin
        .post_json(many, &json!({"queue": "bulk"}))
        .await
        .expect_status(202)
        .await;
    assert_eq!(none, json!({"retried": 0, "refused": 0, "more": false}));
    let all = json!({"queue": "ingest", "kind": "process_version", "state": "dead"});
    let all = admin.post_json(many, &all).await.expect_status(202).await;
    assert_eq!(all, json!({"retried": 5, "refused": 0, "more": false}));
    for document in &documents {
        assert_eq!(alice.settled(document).await["status"], "error");
    }
    admin
        .post_json(many, &json!({"state": "done"}))
        .await
        .answer()
        .expect_problem(422, "invalid");
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_job_that_nothing_waits_for_stays_dead(mode: Mode) {
    let app = TestApp::builder(mode).settings(&[STRICT]).start().await;
    let (alice, admin) = (app.user("alice").await, app.admin());
    let document = dead(&app, &alice, 1).await.remove(0);
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    let version = alice.request(Method::PUT, &format!("{path}/content"));
    alice
        .send(version.header("content-type", "application/pdf").body(PDF))
        .await
        .expecting(202);
    assert_eq!(alice.settled(&document).await["status"], "active");
    let job = items(&admin, "/v1/admin/jobs?state=dead").await.remove(0);
    let retry = format!("/v1/admin/jobs/{}/retry", job["id"].as_str().unwrap());
    post(&admin, &retry)
        .await
        .expect_problem(409, "not_retryable");
    let all = admin
        .post_json("/v1/admin/jobs/retry", &json!({}))
        .await
        .expect_status(202)
        .await;
    assert_eq!(all["refused"], 1);
    assert_eq!(alice.downloads(&document).await, PDF);
    app.ends_clean().await;
}

#[in_both_modes]
async fn jobs_are_listed_page_by_page(mode: Mode) {
    let app = TestApp::builder(mode).settings(&[STRICT]).start().await;
    let (alice, admin) = (app.user("alice").await, app.admin());
    dead(&app, &alice, 5).await;
    let all = items(&admin, "/v1/admin/jobs?state=dead").await;
    let list = "/v1/admin/jobs?state=dead&limit=2";
    assert_eq!(admin.all(list).await, all);
    let page = admin.get(list).await.expecting(200);
    let next = page["next_cursor"].as_str().unwrap();
    let other = admin
        .get(&format!("/v1/admin/jobs?state=done&limit=2&cursor={next}"))
        .await;
    other.expect_problem(422, "invalid");
    for query in [
        "state=gone",
        "kind=other",
        "queue=other",
        "limit=0",
        "owner=x",
    ] {
        admin
            .get(&format!("/v1/admin/jobs?{query}"))
            .await
            .expect_problem(422, "invalid");
    }
}

#[in_both_modes]
async fn workers_are_listed_while_they_are_alive(mode: Mode) {
    let app = TestApp::start(mode).await;
    let admin = app.admin();
    let listed = async |count: usize| {
        let begin = Instant::now();
        loop {
            let workers = items(&admin, "/v1/admin/workers").await;
            if workers.len() == count {
                return workers;
            }
            assert!(begin.elapsed() < Duration::from_mins(1), "{workers:?}");
        }
    };
    let workers = listed(app.workers().len()).await;
    for worker in &workers {
        assert_eq!(
            worker["queues"],
            json!(["ingest", "bulk", "maintenance", "deliver"])
        );
        assert_eq!(worker["running"], 0);
    }
    let first = admin.get("/v1/admin/workers?limit=1").await.expecting(200);
    assert_eq!(first["items"], json!([workers[0]]));
    if mode == Mode::Distributed {
        app.workers()[0].terminate().await;
        listed(1).await;
    }
}

#[in_both_modes]
async fn the_command_line_lists_and_tries_again(mode: Mode) {
    let app = TestApp::builder(mode).settings(&[STRICT]).start().await;
    let (alice, admin) = (app.user("alice").await, app.admin());
    let documents = dead(&app, &alice, 2).await;
    let Ended {
        code,
        printed: lines,
    } = app.command(&["job", "list"]).await;
    assert!(
        code == 0 && lines.lines().count() == 2 && lines.contains("no room"),
        "{lines}"
    );
    let id = lines.split(' ').next().unwrap();
    let Ended {
        code,
        printed: line,
    } = app.command(&["job", "retry", id]).await;
    assert!(code == 0 && line.contains("ready"), "{line}");
    let Ended {
        code,
        printed: line,
    } = app
        .command(&["job", "retry", "--all", "--queue", "ingest"])
        .await;
    assert!(
        code == 0 && line.contains("1 jobs are ready, 0 stay dead"),
        "{line}"
    );
    for document in &documents {
        assert_eq!(alice.settled(document).await["status"], "error");
    }
    let unknown = "0192aaaa-0000-7000-8000-000000000000";
    assert_ne!(app.command(&["job", "retry", unknown]).await.code, 0);
    assert!(items(&admin, "/v1/admin/jobs?state=dead").await.is_empty());
    app.ends_clean().await;
}
