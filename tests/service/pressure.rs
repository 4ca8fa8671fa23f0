//! Back-pressure: uploads are turned away while work waits for too long.

use std::time::{Duration, Instant};

use reqwest::{Body, Method};
use tests::app::{Answer, Client, Mode, TestApp};
use tests::content::PDF;
use tests::in_both_modes;

/// An upload whose body begins and never ends.
async fn endless(client: &Client) -> Answer {
    let begun = futures::stream::iter([Ok::<_, std::io::Error>("begun")]);
    let body = futures::StreamExt::chain(begun, futures::stream::pending());
    let request = client.request(Method::POST, "/v1/documents?name=endless.txt");
    client.send(request.body(Body::wrap_stream(body))).await
}

async fn until(client: &Client, status: u16) -> Answer {
    let begin = Instant::now();
    loop {
        let request = client.request(Method::POST, "/v1/documents?name=again.pdf");
        let answer = client.send(request.body(PDF)).await;
        if answer.status == status {
            return answer;
        }
        assert!(
            begin.elapsed() < Duration::from_mins(1),
            "{}",
            answer.text()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

in_both_modes! {
    async fn uploads_are_turned_away_while_work_waits_for_too_long(mode: Mode) {
        // Nobody works on uploads.
        let settings = [("DOSSIER_QUEUES", "maintenance"), ("DOSSIER_MAX_QUEUE_AGE", "1s")];
        let app = TestApp::start_with(mode, &settings).await;
        let alice = app.user("alice").await;
        let document = alice.uploads("first.pdf", PDF).await;
        let turned_away = until(&alice, 503).await;
        turned_away.expect_problem(503, "overloaded");
        assert!(turned_away.header("retry-after").parse::<u32>().is_ok());
        // It is told so before the body is read.
        endless(&alice).await.expect_problem(503, "overloaded");
        let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
        alice.get(&path).await.expecting(200);
        let version = alice.request(Method::PUT, &format!("{path}/content"));
        alice.send(version.body(PDF)).await.expect_problem(503, "overloaded");
        // What waits for its time to come is not late.
        app.tampers("UPDATE jobs SET run_at = run_at + 3600000000 WHERE state = 'ready'").await;
        until(&alice, 202).await;
    }
}
