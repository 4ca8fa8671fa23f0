//! Traces go on from the client's request to the job, and logs stay one line a record.

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use reqwest::Method;
use serde_json::Value;
use tests::app::{Client, Mode, TestApp};
use tests::content::PDF;
use tests::in_both_modes;
use tests::servers::{Collector, hexadecimal};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// Uploads as a part of the trace, and waits until it is settled.
async fn uploads_traced(client: &Client) -> Value {
    let request = client.request(Method::POST, "/v1/documents?name=report.pdf");
    let request = request.header("traceparent", format!("00-{TRACE}-{CALLER}-01"));
    let document = client.send(request.body(PDF)).await.expecting(202);
    client.settled(&document).await
}

/// The spans of a name.
fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

/// The spans whose names begin so, directly within `parent`.
fn within<'a>(spans: &'a [Span], parent: &Span, name: &str) -> Vec<&'a Span> {
    let is_one =
        |span: &&Span| span.parent_span_id == parent.span_id && span.name.starts_with(name);
    spans.iter().filter(is_one).collect()
}

fn has_job(spans: &[Span]) -> bool {
    !named(spans, "job process_version").is_empty()
        && !named(spans, "POST /v1/documents").is_empty()
}

#[in_both_modes]
async fn a_trace_goes_on_from_the_request_to_the_job(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let sent = [
        format!("00-{TRACE}-00f067aa0ba902b7-01"),
        "no trace at all".to_owned(),
    ];
    for traceparent in sent {
        let request = alice.request(Method::POST, "/v1/documents?name=report.pdf");
        let request = request.header("traceparent", traceparent).body(PDF);
        let document = alice.send(request).await.expecting(202);
        alice.settled(&document).await;
    }
    let own = format!(
        "SELECT count(*) FROM jobs WHERE traceparent LIKE '00-{TRACE}-%-01' AND traceparent NOT LIKE '%00f067aa0ba902b7%'"
    );
    assert_eq!(app.number(&own).await, 1);
    let begun = format!(
        "SELECT count(*) FROM jobs WHERE kind = 'process_version' AND traceparent LIKE '00-%-01' AND traceparent NOT LIKE '%{TRACE}%'"
    );
    assert_eq!(app.number(&begun).await, 1);
}

#[in_both_modes]
async fn one_trace_shows_the_request_its_job_and_their_storage(mode: Mode) {
    let collector = Collector::start().await;
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()),
        ("OTEL_BSP_SCHEDULE_DELAY", "50".to_owned()),
        // The request writes to storage by itself.
        ("DOSSIER_INLINE_BYTES", "0".to_owned()),
    ];
    let settings = settings
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let app = TestApp::builder(mode).settings(&settings).start().await;
    let document = uploads_traced(&app.user("alice").await).await;

    let spans = collector.trace(TRACE, has_job).await;
    let request = named(&spans, "POST /v1/documents")[0];
    assert_eq!(hexadecimal(&request.parent_span_id), CALLER);
    assert_eq!(request.kind(), SpanKind::Server);
    assert_eq!(within(&spans, request, "storage put").len(), 1);
    assert_eq!(within(&spans, request, "intake").len(), 1);
    let jobs = within(&spans, request, "job process_version");
    assert_eq!(jobs.len(), 1);
    let steps = within(&spans, jobs[0], "step ");
    let mut names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "step activated",
            "step checked",
            "step identified",
            "step stored",
            "step verified"
        ]
    );
    let verified = named(&spans, "step verified")[0];
    assert!(
        !within(&spans, verified, "storage stat").is_empty(),
        "{spans:#?}"
    );
    let id = document["id"].as_str().unwrap();
    for span in &spans {
        assert!(!span.name.contains(id), "{}", span.name);
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn what_a_client_does_not_sample_is_not_exported(mode: Mode) {
    let collector = Collector::start().await;
    let endpoint = collector.endpoint();
    let settings = [
        ("DOSSIER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ];
    let app = TestApp::builder(mode).settings(&settings).start().await;
    let alice = app.user("alice").await;
    let unsampled = TRACE.replace('4', "5");
    let request = alice.request(Method::POST, "/v1/documents?name=report.pdf");
    let request = request.header("traceparent", format!("00-{unsampled}-{CALLER}-00"));
    let document = alice.send(request.body(PDF)).await.expecting(202);
    alice.settled(&document).await;
    // What is exported of the second upload was finished after the first one's spans.
    uploads_traced(&alice).await;
    collector.trace(TRACE, has_job).await;
    assert_eq!(collector.trace(&unsampled, |_| true).await, []);
    let kept = format!("SELECT count(*) FROM jobs WHERE traceparent LIKE '00-{unsampled}-%-00'");
    assert_eq!(app.number(&kept).await, 1);
}

#[in_both_modes]
async fn a_collector_that_goes_away_harms_nothing(mode: Mode) {
    let collector = Collector::start().await;
    let endpoint = collector.endpoint();
    let settings = [
        ("DOSSIER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
    ];
    let app = TestApp::builder(mode).settings(&settings).start().await;
    let alice = app.user("alice").await;
    uploads_traced(&alice).await;
    collector.trace(TRACE, has_job).await;
    drop(collector);
    for _ in 0..20 {
        assert_eq!(uploads_traced(&alice).await["status"], "active");
    }
    app.ends_clean().await;
    for process in app.workers() {
        process.terminate().await;
        assert!(process.log().matches("spans can't be exported").count() <= 1);
    }
}

#[in_both_modes]
async fn the_last_spans_are_exported_at_the_end(mode: Mode) {
    let collector = Collector::start().await;
    let endpoint = collector.endpoint();
    let settings = [
        ("DOSSIER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
    ];
    let app = TestApp::builder(mode).settings(&settings).start().await;
    uploads_traced(&app.user("alice").await).await;
    for process in app.workers() {
        process.terminate().await;
    }
    if mode == Mode::Distributed {
        app.ingress().terminate().await;
    }
    collector.trace(TRACE, has_job).await;
}

#[in_both_modes]
async fn every_record_is_one_line_of_json_whatever_is_sent(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[
            ("DOSSIER_LOG", "debug,hyper=info"),
            ("DOSSIER_LOG_FORMAT", "json"),
        ])
        .start()
        .await;
    let alice = app.user("alice").await;
    for name in [
        "a%0d%0a%7b%22level%22:%22ERROR%22%7d",
        "%E2%80%A8line",
        "fine.txt",
    ] {
        let request = alice.request(Method::POST, &format!("/v1/documents?name={name}"));
        alice
            .send(request.header("x-request-id", "a b").body("words\n"))
            .await;
    }
    alice.get("/v1/%0aERROR%20forged").await;
    app.ends_clean().await;
    let mut processes = app.workers();
    processes.push(app.ingress());
    for process in processes {
        let log = process.log();
        let records = log.lines().filter(|line| line.starts_with('{'));
        for line in records {
            let record: Value =
                domain::read_json(line.as_bytes()).unwrap_or_else(|_| panic!("{line}"));
            assert!(record["timestamp"].is_string(), "{line}");
            assert_ne!(record["level"], "ERROR", "{line}");
        }
    }
}
