//! Mixed uploads while something is broken, and what each was answered. It judges nothing but
//! refusals: while a part is away there is one answer.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use reqwest::Method;
use serde_json::Value;
use tests::app::{Answer, Client};
use tests::content::pseudo_random;
use tests::dice::Dice;
use tokio::time::{sleep, timeout};

/// No answer for so long is none.
const PATIENCE: Duration = Duration::from_secs(40);

/// A service that accepted nothing yet is tried so many times as often as the plan says.
const STUBBORN: usize = 10;

/// The rest after an upload that was not accepted.
const REST: Duration = Duration::from_millis(100);

/// How many uploads, and how many at once.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// At least so many, and then until the strike is over, …
    pub least: usize,
    /// … but no more than so many, unless none of them was accepted: a strike may outlast them.
    pub most: usize,
    /// Uploads under way at once.
    pub at_once: usize,
}

/// An upload that was sent once.
#[derive(Debug)]
pub struct Sent {
    /// No other upload has this name.
    pub name: String,
    /// What was sent.
    pub bytes: Bytes,
    /// What came of it.
    pub outcome: UploadOutcome,
}

/// What an upload was answered.
#[derive(Debug)]
pub enum UploadOutcome {
    /// 202, or 201 where it was waited for.
    Accepted(Value),
    /// 503: it may have been taken in all the same, if the database went silent in the commit.
    Refused,
    /// No answer: likewise.
    Cut,
}

/// Uploads in the name of `client` for as long as `strike` lasts, and gives what was answered.
pub async fn under_load(
    client: &Client,
    round: &str,
    plan: Plan,
    dice: &mut Dice,
    strike: impl Future<Output = ()>,
) -> Vec<Sent> {
    let over = AtomicBool::new(false);
    let accepted = AtomicUsize::new(0);
    let seed = dice.any();
    let uploads = futures::stream::iter(0..plan.most * STUBBORN)
        .take_while(|begun| {
            let within = *begun < plan.most && !over.load(Ordering::SeqCst);
            let more = *begun < plan.least || within || accepted.load(Ordering::SeqCst) == 0;
            futures::future::ready(more)
        })
        .map(async |index| {
            let dice = Dice::new(seed ^ index as u64);
            let sent = upload(client, format!("{round}-{index}"), dice).await;
            if matches!(sent.outcome, UploadOutcome::Accepted(_)) {
                accepted.fetch_add(1, Ordering::SeqCst);
            }
            sent
        })
        .buffer_unordered(plan.at_once)
        .collect::<Vec<_>>();
    let strike = async {
        strike.await;
        over.store(true, Ordering::SeqCst);
    };
    let (sent, ()) = tokio::join!(uploads, strike);
    sent
}

async fn upload(client: &Client, name: String, mut dice: Dice) -> Sent {
    // A seed in four is one of a few: the same content comes again and again.
    let seed = if dice.below(4) == 0 {
        dice.below(5)
    } else {
        dice.any()
    };
    let length = match dice.below(12) {
        0 => 0,
        1 => 300_000,
        _ => usize::try_from(500 + seed % 30_000).unwrap_or(500),
    };
    let bytes = pseudo_random(seed, length);
    let request = match dice.below(3) {
        0 => {
            let part = reqwest::multipart::Part::stream(bytes.clone()).file_name(name.clone());
            let form = reqwest::multipart::Form::new().part("file", part);
            client
                .request(Method::POST, "/v1/documents")
                .multipart(form)
        }
        kind => {
            let request = client
                .request(Method::POST, "/v1/documents")
                .query(&[("name", &name)])
                .header("content-type", "application/octet-stream")
                .body(bytes.clone());
            if kind == 1 {
                request.header("idempotency-key", format!("key-{name}"))
            } else {
                request
            }
        }
    };
    let answer = timeout(PATIENCE, client.try_send(request)).await;
    let outcome = match answer {
        Ok(Ok(answer)) => judged(&answer),
        Ok(Err(_)) | Err(_) => UploadOutcome::Cut,
    };
    if !matches!(outcome, UploadOutcome::Accepted(_)) {
        // Whoever was refused or cut off rests, or all would be refused before the fault is over.
        sleep(REST).await;
    }
    Sent {
        name,
        bytes,
        outcome,
    }
}

fn judged(answer: &Answer) -> UploadOutcome {
    if answer.status == 202 {
        return UploadOutcome::Accepted(answer.json());
    }
    let code = answer.json()["code"].as_str().map(str::to_owned);
    let expected = match code.as_deref() {
        Some("storage_full") => "storage_full",
        _ => "unavailable",
    };
    answer.expect_problem(503, expected);
    assert!(
        answer.header("retry-after").parse::<u32>().is_ok(),
        "a 503 says when to come back"
    );
    UploadOutcome::Refused
}
