//! Meters of every process: what they count, and what no client can make them hold.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;
use tests::app::{Mode, TestApp};
use tests::content::PDF;
use tests::in_both_modes;
use tests::servers::Dossier;

async fn meters(process: &Dossier) -> String {
    let answer = reqwest::get(format!("{}/metrics", process.ops())).await;
    let answer = answer.unwrap().error_for_status().unwrap();
    let form = answer.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(form.starts_with("application/openmetrics-text"), "{form}");
    answer.text().await.unwrap()
}

/// The sum of the samples whose line begins so, over all processes.
async fn sum(app: &TestApp, beginning: &str) -> f64 {
    let mut sum = 0.0;
    let mut processes = app.workers();
    if app.mode() == Mode::Distributed {
        processes.push(app.ingress());
    }
    for process in processes {
        let text = meters(process).await;
        let lines = text.lines().filter(|line| line.starts_with(beginning));
        let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        sum += values.sum::<f64>();
    }
    sum
}

/// The values that a label has in a text of meters.
fn values(text: &str, label: &str) -> BTreeSet<String> {
    let mark = format!("{label}=\"");
    let marked = text.split(mark.as_str()).skip(1);
    marked
        .filter_map(|rest| rest.split('"').next())
        .map(str::to_owned)
        .collect()
}

#[in_both_modes]
async fn uploads_jobs_and_storage_are_counted(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    for name in ["one.pdf", "two.pdf"] {
        let pending = alice.uploads(name, PDF).await;
        alice.settled(&pending).await;
    }
    app.ends_clean().await;
    let uploads =
        "dossier_http_requests_total{method=\"POST\",route=\"/v1/documents\",status=\"2xx\"}";
    for (beginning, expected) in [
        (uploads, 2.0),
        ("dossier_uploads_total", 2.0),
        (
            "dossier_upload_bytes_total",
            2.0 * f64::from(u32::try_from(PDF.len()).unwrap()),
        ),
        (
            "dossier_job_attempts_total{kind=\"process_version\",outcome=\"done\"}",
            2.0,
        ),
        (
            "dossier_job_duration_seconds_count{kind=\"process_version\"}",
            2.0,
        ),
        (
            // The content is the same: the second one is not stored again.
            "dossier_storage_calls_total{operation=\"put\",outcome=\"ok\"}",
            1.0,
        ),
        (
            "dossier_storage_calls_total{operation=\"put\",outcome=\"error\"}",
            0.0,
        ),
        ("dossier_queue_depth{queue=\"ingest\"}", 0.0),
        ("dossier_queue_oldest_seconds{queue=\"ingest\"}", 0.0),
        ("dossier_oldest_pending_seconds", 0.0),
    ] {
        let counted = sum(&app, beginning).await;
        assert!(
            (counted - expected).abs() < f64::EPSILON,
            "{beginning}: {counted}"
        );
    }
    assert!(sum(&app, "dossier_ledger_up 1").await >= 1.0);
    assert!(sum(&app, "dossier_database_connections").await > 0.0);
    assert!(
        sum(
            &app,
            "dossier_storage_calls_total{operation=\"stat\",outcome=\"ok\"}"
        )
        .await
            > 0.0
    );
}

#[in_both_modes]
async fn no_label_holds_what_a_client_sends(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let nobody = app.nobody();
    for index in 0..40 {
        let id = uuid::Uuid::from_u128(index);
        for path in [
            format!("/v1/documents/{id}"),
            format!("/v1/documents/by-name/{id}"),
            format!("/v1/{id}/content"),
            format!("/public/{id}/content?x={id}"),
            format!("/{id}\"}},evil=\"{id}"),
            format!("/%0a{id}/../../metrics"),
        ] {
            alice.get(&path).await;
        }
        let brew = Method::from_bytes(format!("BREW{index}").as_bytes()).unwrap();
        nobody.send(nobody.request(brew, "/v1/documents")).await;
    }
    let document: Value = app.nobody().get("/openapi.json").await.expecting(200);
    let known = document["paths"].as_object().unwrap();
    let text = meters(app.ingress()).await;
    for route in values(&text, "route") {
        assert!(route == "unknown" || known.contains_key(&route), "{route}");
    }
    let methods = values(&text, "method");
    let expected: BTreeSet<_> = ["GET", "POST", "other"].map(str::to_owned).into();
    assert!(methods.is_subset(&expected), "{methods:?}");
    assert!(
        !text.contains("0000-0000") && !text.contains("evil") && !text.contains("://"),
        "{text}"
    );
}
