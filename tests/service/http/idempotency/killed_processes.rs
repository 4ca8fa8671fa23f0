//! Processes that die in a request with a key: another one answers it, and it is acted on once.

use reqwest::{Method, RequestBuilder};
use sea_orm::ConnectionTrait;
use tests::app::{Answer, Client, Mode, TestApp};
use tests::content::{PDF, PNG};
use tests::ledger::count;
use tokio::task::JoinHandle;

use super::uploads::{path, replays};

/// Turns the clock of requests that are running: their processes count as dead.
async fn let_them_be_taken_over(app: &TestApp) {
    let database = app.database().await;
    let turned = "UPDATE idempotency SET begun_at = 0, open_until = CASE WHEN open_until IS NULL THEN NULL ELSE 0 END";
    database.writer().execute_unprepared(turned).await.unwrap();
}

/// A request on its way, of a client that goes on.
fn sent(client: &Client, request: RequestBuilder) -> JoinHandle<reqwest::Result<Answer>> {
    let client = client.clone();
    tokio::spawn(async move { client.try_send(request).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_while_its_client_waits_has_answered() {
    let app = TestApp::start(Mode::Distributed).await;
    let alice = app.user("alice").await;
    let pending = alice.uploads("a.pdf", PDF).await;
    let document = alice.settled(&pending).await;
    for worker in app.workers() {
        worker.kill().await;
    }
    let content = format!("{}/content", path(&document));
    let version = |wait: &str| {
        let request = alice.request(Method::PUT, &content).body(PNG);
        let request = request
            .header("idempotency-key", "k")
            .header("prefer", wait);
        sent(&alice, request)
    };
    let waiting = version("wait=60");
    while alice.get(&path(&document)).await.json()["latest_version"] != 2 {
        tokio::task::yield_now().await;
    }
    app.ingress().kill().await;
    assert!(waiting.await.unwrap().is_err());
    app.ingress().restart().await;
    version("wait=60")
        .await
        .unwrap()
        .unwrap()
        .expect_problem(409, "idempotency_in_progress");
    let_them_be_taken_over(&app).await;
    let again = version("wait=60").await.unwrap().unwrap();
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(
        again.header("location"),
        format!("{}/versions/2", path(&document))
    );
    assert_eq!(again.expecting(202)["latest_version"], 2);
    for worker in app.workers() {
        worker.restart().await;
    }
    let settled = alice
        .get(&format!("{}/versions/2?wait=60", path(&document)))
        .await;
    assert_eq!(settled.expecting(200)["status"], "active");
    assert_eq!(
        alice.get(&path(&document)).await.json()["latest_version"],
        2
    );
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_before_its_change_is_made_leaves_it_to_the_next() {
    let app = TestApp::start(Mode::Distributed).await;
    let alice = app.user("alice").await;
    let pending = alice.uploads("a.pdf", PDF).await;
    let document = alice.settled(&pending).await;
    let database = app.database().await;
    for (index, (method, target)) in [
        (Method::POST, "/v1/documents?name=b.pdf".to_owned()),
        (Method::PUT, format!("{}/content", path(&document))),
        (
            Method::POST,
            format!("{}/versions/1/restore", path(&document)),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let send = || {
            let request = alice.request(method.clone(), &target);
            let request = if target.contains("restore") {
                request
            } else {
                request.body(PNG)
            };
            sent(
                &alice,
                request.header("idempotency-key", format!("k{index}")),
            )
        };
        let before = versions(&database).await;
        // The change can't come to its end while somebody else holds the owner's counters.
        let held = database.begin().await.unwrap();
        held.execute_unprepared("UPDATE users SET used_bytes = used_bytes")
            .await
            .unwrap();
        let cut_off = send();
        // Workers may wait for the counters as well: the request counts once its key is known.
        let waiting = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
             AND datname = current_database() \
             AND EXISTS (SELECT 1 FROM idempotency WHERE key = 'k{index}')"
        );
        while count(&database, &waiting).await == 0 {
            tokio::task::yield_now().await;
        }
        app.ingress().kill().await;
        assert!(cut_off.await.unwrap().is_err(), "{target}");
        held.rollback().await.unwrap();
        app.ingress().restart().await;
        assert_eq!(versions(&database).await, before, "{target}");
        // The claim of an upload, which is renewed, may be over when the process is back.
        if target.contains("restore") {
            send()
                .await
                .unwrap()
                .unwrap()
                .expect_problem(409, "idempotency_in_progress");
        }
        let_them_be_taken_over(&app).await;
        let first = send().await.unwrap().unwrap();
        assert!(first.status.is_success(), "{target}: {}", first.text());
        replays(&first, &send().await.unwrap().unwrap());
        assert_eq!(versions(&database).await, before + 1, "{target}");
        let settled = format!("{}?wait=60", path(&first.json()));
        assert_eq!(alice.get(&settled).await.expecting(200)["status"], "active");
    }
    // What the killed processes had staged is nobody's; the cleanup finds it when it is old.
    app.ends_whole(3).await;
}

async fn versions(database: &ledger::Database) -> i64 {
    count(database, "SELECT count(*) FROM versions").await
}
