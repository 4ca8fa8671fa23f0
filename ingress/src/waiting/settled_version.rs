//! Waits for one version to be processed: for `?wait=` and for uploads with `Prefer: wait`.

use std::time::{Duration, Instant};

use domain::{DocumentId, Version, VersionStatus};
use ledger::{Database, DbError, find_version};
use url::Url;

use super::Waiters;

/// A version of a document, and where its bytes are if it is active.
pub type FoundVersion = (Version, Option<Url>);

/// Waits until the version is no longer pending or `patience` has passed, and returns it; `None` if
/// it does not exist.
pub async fn settled_version(
    db: &Database,
    waiters: &Waiters,
    (document, number): (DocumentId, u32),
    patience: Duration,
) -> Result<Option<FoundVersion>, DbError> {
    let end = Instant::now() + patience;
    loop {
        // Joined before the query, so that no change is missed in between.
        let mut waiting = waiters.join_version(document, number);
        let found = find_version(db, document, number).await?;
        let pending = found
            .as_ref()
            .is_some_and(|(version, _)| version.status() == VersionStatus::Pending);
        let left = end.saturating_duration_since(Instant::now());
        if !pending || left.is_zero() || waiters.are_closed() {
            return Ok(found);
        }
        waiting.settled(left).await;
    }
}
