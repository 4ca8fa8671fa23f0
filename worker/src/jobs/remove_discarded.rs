//! Removes discarded bytes that the remover left, until none remain.
//!
//! - *does*: takes the ledger's list of discarded bytes in batches, removes the objects and strikes
//!   them off the list. URLs outside the configured places, or whose name isn't one of our keys,
//!   stay in the list.
//! - *safe to repeat because* removing a missing object succeeds, and so does striking it off.
//! - *if it dies here*, objects removed but still listed are removed again.
//! - *on failure* of some objects, the others are removed and the job is retried. Objects that their
//!   place refuses to remove are due again later, so that they don't hold up the others; while a
//!   further place doesn't answer, the next run does it.

use std::time::Duration;

use domain::ErrorCode;
use ledger::DueDiscard;
use storage::StorageError;
use tracing::warn;
use url::Url;

use crate::attempt_error::AttemptError;
use crate::remover::{BATCH, Removal, remove_batch};
use crate::tools::Tools;

/// When objects that their place refuses to remove are tried again.
const REFUSED: Duration = Duration::from_hours(1);

/// Runs the job.
pub async fn remove_discarded(tools: &Tools) -> Result<(), AttemptError> {
    let (mut after, mut elsewhere, mut failure) = (DueDiscard::default(), 0, None);
    let removal = tools.places.removal();
    loop {
        let listed = ledger::discarded(&tools.db, &after, BATCH as u64, tools.clock.now()).await?;
        let Some(last) = listed.last() else {
            break;
        };
        after.clone_from(last);
        let urls: Vec<Url> = listed
            .iter()
            .filter_map(|due| due.url.parse().ok())
            .collect();
        elsewhere += listed.len() - urls.len();
        let batch = match remove_batch(&tools.db, &removal, &tools.removal_guard, urls).await? {
            Removal::Stopped => return Ok(()),
            Removal::Done(batch) => batch,
        };
        let mut refused = Vec::new();
        for (url, error) in batch.failures {
            if matches!(error, StorageError::UnknownPlace { .. }) {
                elsewhere += 1;
                continue;
            }
            if error.is_refusal() {
                refused.push(url);
            }
            failure = Some(error);
        }
        let later = tools.clock.now().plus(REFUSED);
        ledger::postpone_discarded(&tools.db, &refused, later).await?;
        // The others would fail as well. Those of a further place that is down are passed over.
        let mut main = tools.places.main();
        if batch.removed == 0 && main.any(|storage| removal.is_down(storage.place())) {
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
