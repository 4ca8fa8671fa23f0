//! Faults of the database server: clients are told that the service is unavailable, readiness
//! names the database, and all goes on by itself when the fault is over.

use std::time::Duration;

use reqwest::Method;
use sea_orm::ConnectionTrait;
use tests::app::{Answer, Client, Mode, TestApp, Upload};
use tests::poll::{poll, wait_until};
use tests::servers::{Dossier, Flow};

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// A request waits so long for a statement here.
const SHORT_LIMIT: (&str, &str) = ("DOSSIER_DATABASE_TIMEOUT", "1s");

/// What readiness answers.
async fn readiness(process: &Dossier) -> Answer {
    let nobody = Client::speaking_for_nobody(&process.ops());
    nobody.get("/health/ready").await
}

/// Waits until readiness answers so, and gives the answer.
async fn becomes(process: &Dossier, status: u16) -> Answer {
    poll(PATIENCE, async || match readiness(process).await {
        answer if answer.status == status => Ok(answer),
        answer => Err(answer.text()),
    })
    .await
}

/// The detail with which readiness names the database.
fn detail_of_database(answer: &Answer) -> String {
    let problem = answer.expecting(503);
    let errors = problem["errors"].as_array().unwrap();
    let database = errors.iter().find(|error| error["pointer"] == "database");
    database.unwrap()["detail"].as_str().unwrap().to_owned()
}

#[track_caller]
fn is_unavailable(answer: &Answer) {
    answer.expect_problem(503, "unavailable");
    assert!(answer.header("retry-after").parse::<u32>().is_ok());
}

/// Uploads until the answer is no other than unavailable, and waits for the document.
async fn goes_on(app: &TestApp, client: &Client) {
    let document = poll(PATIENCE, async || {
        let answer = client.try_upload(Upload::new("after.txt", "after")).await;
        let answer = answer.unwrap();
        if answer.status == 202 {
            return Ok(answer.json());
        }
        is_unavailable(&answer);
        Err(answer.text())
    })
    .await;
    assert_eq!(client.settled(&document).await["status"], "active");
    becomes(app.ingress(), 200).await;
    // Nobody knows whether uploads that were refused were taken in: their bytes stay for a while.
    app.ends_whole(8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_turns_read_only_is_unavailable_until_it_can_write() {
    let app = Box::pin(TestApp::builder(Mode::Distributed).breakable().start()).await;
    let alice = app.user("alice").await;
    let postgres = &app.breakable().postgres;
    // As after a failover: sessions that were open stay, and can't write any more.
    postgres
        .executes("ALTER SYSTEM SET default_transaction_read_only = on")
        .await;
    postgres.executes("SELECT pg_reload_conf()").await;
    for process in [app.ingress(), app.workers()[0]] {
        detail_of_database(&becomes(process, 503).await);
    }
    let refused = alice.try_upload(Upload::new("meanwhile.txt", "no")).await;
    is_unavailable(&refused.unwrap());
    postgres
        .executes("ALTER SYSTEM RESET default_transaction_read_only")
        .await;
    postgres.executes("SELECT pg_reload_conf()").await;
    goes_on(&app, &alice).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_with_a_server_that_can_t_write_are_not_kept() {
    let app = Box::pin(TestApp::builder(Mode::Distributed).breakable().start()).await;
    let alice = app.user("alice").await;
    let postgres = &app.breakable().postgres;
    let database = app.texts("SELECT current_database()").await.remove(0);
    // Sessions that begin meanwhile stay read-only for as long as they live.
    let setting = format!("ALTER DATABASE {database}");
    postgres
        .executes(&format!("{setting} SET default_transaction_read_only = on"))
        .await;
    let cut = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
    );
    postgres.executes(&cut).await;
    detail_of_database(&becomes(app.ingress(), 503).await);
    postgres
        .executes(&format!("{setting} RESET default_transaction_read_only"))
        .await;
    goes_on(&app, &alice).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_given_up_on_in_time() {
    let app = Box::pin(
        TestApp::builder(Mode::Distributed)
            .breakable()
            .settings(&[SHORT_LIMIT])
            .start(),
    )
    .await;
    let alice = app.user("alice").await;
    let document = alice.uploads("before.txt", "before").await;
    alice.settled(&document).await;
    app.breakable().database.set(Flow::Stalled);
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    let (read, written, ready) = tokio::join!(
        alice.get(&path),
        alice.try_upload(Upload::new("meanwhile.txt", "no")),
        becomes(app.ingress(), 503),
    );
    is_unavailable(&read);
    is_unavailable(&written.unwrap());
    detail_of_database(&ready);
    app.breakable().database.set(Flow::Open);
    let is_read = async || alice.get(&path).await.status == 200;
    wait_until(PATIENCE, "the document is read again", is_read).await;
    goes_on(&app, &alice).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_somebody_keeps_costs_no_500() {
    let app = TestApp::builder(Mode::Distributed)
        .settings(&[SHORT_LIMIT])
        .start()
        .await;
    let alice = app.user("alice").await;
    let document = alice.uploads("locked.txt", "locked").await;
    alice.settled(&document).await;
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    let other = app.database().await;
    let lock = other.begin().await.unwrap();
    lock.execute_unprepared("LOCK TABLE documents IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let change = serde_json::json!({"name": "other.txt"});
    let (read, changed, written) = tokio::join!(
        alice.get(&path),
        alice.patch_json(&path, &change),
        alice.try_upload(Upload::new("meanwhile.txt", "no")),
    );
    for answer in [read, changed, written.unwrap()] {
        is_unavailable(&answer);
    }
    lock.rollback().await.unwrap();
    goes_on(&app, &alice).await;
}

/// The newest migration that the database has.
const NEWEST: &str = "SELECT max(version) FROM seaql_migrations";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_schema_is_named_and_waited_for() {
    let app = TestApp::start(Mode::Distributed).await;
    let alice = app.user("alice").await;
    let newest = app.texts(NEWEST).await.remove(0);
    for worker in app.workers() {
        worker.terminate().await;
    }
    let document = alice.uploads("waits.txt", "waits").await;
    app.tampers(&format!(
        "DELETE FROM seaql_migrations WHERE version = '{newest}'"
    ))
    .await;
    let detail = detail_of_database(&becomes(app.ingress(), 503).await);
    assert!(detail.contains(&format!("lacks {newest}")), "{detail}");
    let refused = alice.try_upload(Upload::new("meanwhile.txt", "no")).await;
    is_unavailable(&refused.unwrap());
    // It starts, and claims nothing.
    let worker = app.workers()[0];
    worker.begins_again_with(&[]).await;
    becomes_after_start(worker, 503).await;
    let attempts = "SELECT count(*) FROM jobs WHERE kind = 'process_version' AND fence > 0";
    assert_eq!(app.number(attempts).await, 0);
    app.tampers(&format!(
        "INSERT INTO seaql_migrations (version, applied_at) VALUES ('{newest}', 0)"
    ))
    .await;
    becomes(worker, 200).await;
    assert_eq!(alice.settled(&document).await["status"], "active");
}

/// The same for a process that may not listen yet.
async fn becomes_after_start(process: &Dossier, status: u16) {
    let nobody = Client::speaking_for_nobody(&process.ops());
    poll(PATIENCE, async || {
        let request = nobody.request(Method::GET, "/health/ready");
        match nobody.try_send(request).await {
            Ok(answer) if answer.status == status => Ok(()),
            Ok(answer) => Err(answer.text()),
            Err(error) => Err(error.to_string()),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_schema_says_whether_this_release_goes_on() {
    let app = TestApp::start(Mode::Distributed).await;
    let newest = app.texts(NEWEST).await.remove(0);
    // One that was numbered before others, and applied after them.
    app.tampers("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m0000_branch', 0)")
        .await;
    for (said, status) in [("m0000_branch", 503), (newest.as_str(), 200)] {
        app.tampers(&format!(
            "UPDATE schema_compatibility SET newest = '{said}'"
        ))
        .await;
        for process in [app.ingress(), app.workers()[0]] {
            becomes(process, status).await;
        }
    }
    app.tampers("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_future', 0)")
        .await;
    for process in [app.ingress(), app.workers()[0]] {
        let detail = detail_of_database(&becomes(process, 503).await);
        assert!(detail.contains("m9999_future"), "{detail}");
        assert!(detail.contains(&newest), "{detail}");
    }
    // What a release that only adds to the schema writes when it migrates.
    app.tampers(&format!(
        "UPDATE schema_compatibility SET newest = 'm9999_future', works_from = '{newest}'"
    ))
    .await;
    // As on the way back to this release.
    Dossier::run(&["migrate", "up"], app.variables()).await;
    for process in [app.ingress(), app.workers()[0]] {
        becomes(process, 200).await;
    }
}
