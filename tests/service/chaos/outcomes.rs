//! After a fault: what became of each upload, as the service itself tells it.

use std::collections::HashMap;
use std::iter::Sum;
use std::ops::Add;
use std::time::Duration;

use serde_json::Value;
use tests::app::{Answer, Client, TestApp};
use tests::poll::poll;
use tokio::time::timeout;

use super::load::{Sent, UploadOutcome};

/// How long a document may be pending once all is whole again.
const PATIENCE: Duration = Duration::from_secs(75);

/// What became of the uploads of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutcomeCounts {
    /// Answered with 202.
    pub accepted: usize,
    /// Of those, active in the end, with the very bytes.
    pub active: usize,
    /// Of those, in `error` in the end.
    pub error: usize,
    /// Of those, gone, pending for ever, or with other bytes.
    pub lost: usize,
    /// Documents more than uploads.
    pub duplicated: usize,
    /// Answered with 503.
    pub refused: usize,
    /// Not answered.
    pub cut: usize,
}

impl OutcomeCounts {
    /// Uploads that may have left staged bytes behind.
    pub const fn unfinished(self) -> usize {
        self.refused + self.cut
    }
}

impl Add for OutcomeCounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            accepted: self.accepted + other.accepted,
            active: self.active + other.active,
            error: self.error + other.error,
            lost: self.lost + other.lost,
            duplicated: self.duplicated + other.duplicated,
            refused: self.refused + other.refused,
            cut: self.cut + other.cut,
        }
    }
}

impl Sum for OutcomeCounts {
    fn sum<I: Iterator<Item = Self>>(tolls: I) -> Self {
        tolls.fold(Self::default(), Add::add)
    }
}

/// Waits until every document of `client` is settled, and holds each against what was sent.
pub async fn count_outcomes(app: &TestApp, client: &Client, sent: &[Sent]) -> OutcomeCounts {
    let mut found = documents(client).await;
    let mut counts = OutcomeCounts::default();
    for one in sent {
        let same_name = found.remove(&one.name).unwrap_or_default();
        counts.duplicated += same_name.len().saturating_sub(1);
        let (accepted, kept) = match &one.outcome {
            UploadOutcome::Accepted(answer) => {
                let kept = same_name
                    .into_iter()
                    .find(|kept| kept["id"] == answer["id"]);
                (true, kept)
            }
            UploadOutcome::Refused => {
                counts.refused += 1;
                (false, same_name.into_iter().next())
            }
            UploadOutcome::Cut => {
                counts.cut += 1;
                (false, same_name.into_iter().next())
            }
        };
        let end = match kept {
            Some(document) => end_of(app, client, &document, one).await,
            None => End::None,
        };
        if accepted {
            counts.accepted += 1;
            match end {
                End::Active => counts.active += 1,
                End::Error => counts.error += 1,
                End::Wrong | End::None => {
                    println!("lost: {} {:?}", one.name, one.outcome);
                    counts.lost += 1;
                }
            }
        } else {
            // Nobody was told of it; but half a document is none.
            assert!(!matches!(end, End::Wrong), "{} is there by half", one.name);
        }
    }
    counts
}

enum End {
    Active,
    Error,
    Wrong,
    None,
}

async fn end_of(app: &TestApp, client: &Client, document: &Value, sent: &Sent) -> End {
    let Ok(document) = timeout(PATIENCE, settled(client, document)).await else {
        tell_of(app, client, document).await;
        return End::None;
    };
    if document["status"] == "error" {
        println!("in error: {document}");
        return End::Error;
    }
    let content = format!("/v1/documents/{}/content", document["id"].as_str().unwrap());
    let content = whole(client, &content).await;
    if document["status"] == "active" && content.status == 200 && content.body == sent.bytes {
        End::Active
    } else {
        println!("wrong: {document}");
        End::Wrong
    }
}

/// Asks until the answer is no 503: a connection that was cut may show itself only when it is
/// used next, and a client tries again then.
async fn whole(client: &Client, path: &str) -> Answer {
    poll(PATIENCE, async || match client.get(path).await {
        answer if answer.status == 503 => Err(answer.text()),
        answer => Ok(answer),
    })
    .await
}

async fn settled(client: &Client, document: &Value) -> Value {
    let path = format!("/v1/documents/{}?wait=20", document["id"].as_str().unwrap());
    loop {
        let document = whole(client, &path).await.expecting(200);
        if document["status"] != "pending" {
            return document;
        }
    }
}

/// What is known of a document that never came to its end.
async fn tell_of(app: &TestApp, client: &Client, document: &Value) {
    let id = document["id"].as_str().unwrap();
    let timeline = client.get(&format!("/v1/documents/{id}/timeline")).await;
    println!("never settled: {document}\n{}", timeline.text());
    let job = format!(
        "SELECT jobs.state || ', attempts ' || jobs.attempts || ', fence ' || jobs.fence || ', worker ' \
         || COALESCE(jobs.worker, 'none') || ', run_at ' || jobs.run_at || ', ' || COALESCE(jobs.last_error, '') \
         FROM jobs JOIN versions ON versions.id = jobs.subject_id WHERE versions.document_id = '{id}'"
    );
    println!("its jobs: {:?}", app.texts(&job).await);
    for process in app.workers() {
        let log = process.log();
        let about: Vec<_> = log.lines().filter(|line| line.contains(id)).collect();
        println!("log of {}: {about:#?}", process.pid());
    }
}

/// All documents of a user, by name.
async fn documents(client: &Client) -> HashMap<String, Vec<Value>> {
    let mut found: HashMap<String, Vec<Value>> = HashMap::new();
    let mut path = "/v1/documents?limit=200".to_owned();
    loop {
        let page = whole(client, &path).await.expecting(200);
        for document in page["items"].as_array().unwrap() {
            let name = document["name"].as_str().unwrap().to_owned();
            found.entry(name).or_default().push(document.clone());
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/documents?limit=200&cursor={cursor}"),
            None => return found,
        }
    }
}
