//! Traces go on from the client's request to the job, and logs stay one line a record.

use reqwest::Method;
use serde_json::Value;
use tests::app::{Mode, TestApp};
use tests::content::PDF;
use tests::in_both_modes;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

in_both_modes! {
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

    async fn every_record_is_one_line_of_json_whatever_is_sent(mode: Mode) {
        let app = TestApp::start_with(mode, &[("DOSSIER_LOG", "debug,hyper=info"), ("DOSSIER_LOG_FORMAT", "json")]).await;
        let alice = app.user("alice").await;
        for name in ["a%0d%0a%7b%22level%22:%22ERROR%22%7d", "%E2%80%A8line", "fine.txt"] {
            let request = alice.request(Method::POST, &format!("/v1/documents?name={name}"));
            alice.send(request.header("x-request-id", "a b").body("words\n")).await;
        }
        alice.get("/v1/%0aERROR%20forged").await;
        app.ends_clean().await;
        let mut processes = app.workers();
        processes.push(app.ingress());
        for process in processes {
            let log = process.log();
            let records = log.lines().filter(|line| line.starts_with('{'));
            for line in records {
                let record: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
                assert!(record["timestamp"].is_string(), "{line}");
                assert_ne!(record["level"], "ERROR", "{line}");
            }
        }
    }
}
