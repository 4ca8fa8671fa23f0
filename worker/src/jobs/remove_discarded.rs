//! Removes discarded bytes that the remover left, until none remain.
//!
//! - *does*: takes the ledger's list of discarded bytes in batches, removes the objects and strikes
//!   them off the list. URLs outside the configured places, or whose name isn't one of our keys,
//!   stay in the list.
//! - *safe to repeat because* removing a missing object succeeds, and so does striking it off.
//! - *if it dies here*, objects removed but still listed are removed again.
//! - *on failure* of some objects, the others are removed and the job is retried. Objects that their
//!   place refuses to remove, or fails to while it does everything else, are due again later, so that
//!   they don't hold up the others; while a further place doesn't answer, the next run does it.

use std::time::Duration;

use domain::ErrorCode;
use ledger::DueDiscard;
use storage::StorageError;
use tracing::warn;
use url::Url;

use crate::attempt_error::AttemptError;
use crate::circuits::Outage;
use crate::remover::{BATCH, Batch, Removal, remove_batch};
use crate::tools::Tools;

/// When objects that can't be removed are tried again.
const LATER: Duration = Duration::from_hours(1);

/// What a batch left.
#[derive(Default)]
struct Left {
    /// The objects that are tried again later.
    later: Vec<Url>,
    /// How many are outside the configured places.
    elsewhere: usize,
    /// Whether some weren't tried, and may be removed.
    has_untried: bool,
    failure: Option<StorageError>,
}

/// Runs the job.
pub async fn remove_discarded(tools: &Tools) -> Result<(), AttemptError> {
    let (mut after, mut elsewhere, mut failure) = (DueDiscard::default(), 0, None);
    let mut removal = tools.places.removal();
    loop {
        let listed = ledger::discarded(&tools.db, &after, BATCH as u64, tools.clock.now()).await?;
        let Some(last) = listed.last() else {
            break;
        };
        let urls: Vec<Url> = listed
            .iter()
            .filter_map(|due| due.url.parse().ok())
            .collect();
        let unreadable = listed.len() - urls.len();
        let batch = match remove_batch(&tools.db, &removal, &tools.removal_guard, urls).await? {
            Removal::Stopped => return Ok(()),
            Removal::Done(batch) => batch,
        };
        let removed = batch.removed;
        let left = sort(tools, batch).await;
        let later = tools.clock.now().plus(LATER);
        ledger::postpone_discarded(&tools.db, &left.later, later).await?;
        failure = left.failure.or(failure);
        if left.has_untried && !left.later.is_empty() {
            // The place does well but for those, which aren't listed any more.
            removal = tools.places.removal();
            continue;
        }
        after.clone_from(last);
        elsewhere += unreadable + left.elsewhere;
        // The others would fail as well. Those of a further place that is down are passed over.
        let mut main = tools.places.main();
        if removed == 0 && main.any(|storage| removal.is_down(storage.place())) {
            break;
        }
    }
    let mut more = tools.places.more().iter();
    if let Some(down) = more.find(|storage| removal.is_down(storage.place())) {
        warn!(storage.place = %down.place(), "a further place doesn't answer; nothing is removed there");
        failure = None;
    }
    ledger::recount_discarded_bytes(&tools.db).await?;
    if elsewhere > 0 {
        warn!(
            objects = elsewhere,
            "discarded bytes are outside the configured places; leaving them"
        );
    }
    failure.map_or(Ok(()), |error| {
        Err(AttemptError::Retry {
            code: ErrorCode::StorageUnavailable,
            cause: error.into(),
        })
    })
}

/// Sorts what a batch left by what becomes of it.
async fn sort(tools: &Tools, batch: Batch) -> Left {
    let (mut left, mut is_away) = (Left::default(), false);
    for (url, error) in batch.failures {
        if matches!(error, StorageError::UnknownPlace { .. }) {
            left.elsewhere += 1;
            continue;
        }
        if error.is_untried() {
            left.has_untried = true;
        } else if error.is_refusal() {
            left.later.push(url);
        } else if error.is_unanswered() {
            let outage = tools.circuits.confirm_at(Outage::Storage, Some(&url));
            if outage.await {
                is_away = true;
            } else {
                left.later.push(url);
            }
        }
        left.failure = Some(error);
    }
    left.has_untried &= !is_away;
    left
}
