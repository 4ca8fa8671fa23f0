//! Delivers what is due to one webhook.
//!
//! - *does*: makes deliveries of new events, attempts those that are due, a few at once, and records how
//!   it went, until nothing is due or its turn is over.
//! - *safe to repeat because* what was recorded isn't due any more; what wasn't is delivered again under
//!   the same id, by which receivers know it.
//! - *if it dies here*, the next job of the webhook attempts what was not recorded.
//! - *on failure* of the database, the same.

use std::collections::hash_map::RandomState;
use std::future::ready;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

use domain::{Timestamp, UserId, WebhookId};
use futures::{StreamExt as _, stream};
use ledger::{
    AttemptEnd, AttemptResult, DeliveryAttempt, DueDelivery, WebhookError, WebhookSecret,
    begin_turn, end_turn, record_attempts,
};
use outbound::{Answer, Message, SendError, signed_headers};
use telemetry::Delivered;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::outgoing::{Outgoing, Round};
use crate::attempt_error::AttemptError;
use crate::tools::Tools;
use crate::work::Work;

/// How long one job goes on: then other webhooks have a turn.
const TURN: Duration = Duration::from_secs(20);

/// Deliveries to one endpoint at once.
const AT_ONCE: usize = 4;

/// How long a webhook waits if the service has no room for an attempt: as many endpoints that fail are
/// attempted as may be, or as many names are looked up.
const CROWDED: Duration = Duration::from_secs(15);

/// Attempts that one transaction records.
const RECORDED: usize = 8;

/// Runs the job.
pub async fn deliver_webhook(work: &Work, tools: &Tools) -> Result<(), AttemptError> {
    let Some(id) = work.claimed.subject.map(WebhookId) else {
        return Ok(());
    };
    let sender = &tools.webhooks;
    let time = TurnTime {
        end: Instant::now() + TURN,
        shutdown: &tools.shutdown,
    };
    let mut earliest = None;
    loop {
        let at_ledger = sender.ledger.acquire().await;
        let turn = begin_turn(&tools.db, id, &sender.sealer, tools.clock.now()).await?;
        // Before others are let to the ledger: no more jobs than may be there hold the values of events.
        let round = turn.map(Round::from);
        drop(at_ledger);
        let Some(round) = round.filter(|round| round.more || !round.due.is_empty()) else {
            break;
        };
        let failing = round.is_failing.then(|| sender.failing.try_acquire());
        if matches!(failing, Some(Err(_))) {
            earliest = Some(tools.clock.now().plus(CROWDED));
            break;
        }
        match attempt_all(tools, (id, work.claimed.owner), round, time).await? {
            Next::Turn if !time.is_over() => {}
            Next::Turn | Next::End => break,
            Next::Later => {
                earliest = Some(tools.clock.now().plus(CROWDED));
                break;
            }
        }
    }
    let _at_ledger = sender.ledger.acquire().await;
    end_turn(&tools.db, id, earliest).await?;
    Ok(())
}

/// How long a turn goes on.
#[derive(Clone, Copy)]
struct TurnTime<'a> {
    end: Instant,
    /// A worker that is to end leaves the rest to others.
    shutdown: &'a CancellationToken,
}

impl TurnTime<'_> {
    fn is_over(self) -> bool {
        Instant::now() >= self.end || self.shutdown.is_cancelled()
    }
}

/// What follows a turn.
enum Next {
    /// Another one, if there is time.
    Turn,
    /// None: the webhook is disabled.
    End,
    /// One after a while: the service had no room for an attempt.
    Later,
}

/// Attempts what is due, and begins no attempt once the time is over.
async fn attempt_all(
    tools: &Tools,
    (id, owner): (WebhookId, UserId),
    round: Round,
    time: TurnTime<'_>,
) -> Result<Next, AttemptError> {
    let Round {
        url, secrets, due, ..
    } = round;
    let (to, secrets) = ((owner, url.as_str()), secrets.as_slice());
    let mut next = Next::Turn;
    let attempts = stream::iter(due)
        .take_while(|_| ready(!time.is_over()))
        .map(|outgoing| async move { attempt(tools, (to, secrets), outgoing).await })
        .buffer_unordered(AT_ONCE)
        .ready_chunks(RECORDED);
    let mut attempts = std::pin::pin!(attempts);
    while let Some(results) = attempts.next().await {
        if results.iter().any(Option::is_none) {
            next = Next::Later;
        }
        let results: Vec<_> = results.into_iter().flatten().collect();
        if results.is_empty() {
            continue;
        }
        let _at_ledger = tools.webhooks.ledger.acquire().await;
        if !record_attempts(&tools.db, id, &results, tools.clock.now()).await? {
            return Ok(Next::End);
        }
    }
    Ok(next)
}

/// Attempts a delivery. `None` if the service has no room for it: it is still due.
async fn attempt(
    tools: &Tools,
    (to, secrets): ((UserId, &str), &[WebhookSecret]),
    Outgoing { delivery, body }: Outgoing,
) -> Option<AttemptResult> {
    let at = tools.clock.now();
    let Some(body) = body else {
        let why = "the event is not kept any more";
        return Some(not_sent((delivery, at), AttemptEnd::Lost, why));
    };
    if secrets.is_empty() {
        let why = "the service can't read the secret; rotate it";
        return Some(not_sent((delivery, at), AttemptEnd::Unable, why));
    }
    let begin = Instant::now();
    let message = Message {
        headers: signed_headers(&delivery.id.to_string(), at, &body, secrets),
        body,
    };
    let sent = tools.webhooks.client.send(to, message, at).await;
    let took = begin.elapsed();
    let (end, status, answer, error) = match sent {
        Ok(answer) => (
            end_of(&answer),
            Some(answer.status),
            Some(answer.excerpt),
            None,
        ),
        Err(SendError::Busy) => return None,
        Err(error @ SendError::NoAuthorities) => {
            return Some(not_sent(
                (delivery, at),
                AttemptEnd::Unable,
                &reason(&error),
            ));
        }
        Err(error) => (failed(None), None, None, Some(reason(&error))),
    };
    let outcome = match end {
        AttemptEnd::Delivered => Delivered::Ok,
        _ => Delivered::Failed,
    };
    tools.webhooks.meters.delivered(outcome, took);
    Some(AttemptResult {
        delivery,
        attempt: DeliveryAttempt {
            at,
            status,
            ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            answer,
            error,
        },
        end,
    })
}

fn end_of(answer: &Answer) -> AttemptEnd {
    match answer.status {
        200..=299 => AttemptEnd::Delivered,
        410 => AttemptEnd::Gone,
        _ => failed(answer.retry_after),
    }
}

fn failed(asked: Option<Duration>) -> AttemptEnd {
    // Any hasher with random keys is a source of randomness.
    let random = RandomState::new().build_hasher().finish() >> 32;
    AttemptEnd::Failed {
        asked,
        random: u32::try_from(random).unwrap_or_default(),
    }
}

fn not_sent((delivery, at): (DueDelivery, Timestamp), end: AttemptEnd, why: &str) -> AttemptResult {
    AttemptResult {
        delivery,
        attempt: DeliveryAttempt {
            at,
            status: None,
            ms: 0,
            answer: None,
            error: Some(why.to_owned()),
        },
        end,
    }
}

/// An error with its sources, as owners read it. It names no address inside.
fn reason(error: &SendError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text.truncate(text.floor_char_boundary(500));
    text
}

impl From<WebhookError> for AttemptError {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::Database(error) => error.into(),
            other => Self::internal(other),
        }
    }
}
