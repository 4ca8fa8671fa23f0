//! Staged bytes without a row: they are removed when dropped, unless they are kept.

use storage::{Staged, StorageRouter};
use tokio::runtime::Handle;
use url::Url;

use super::in_flight::Held;

/// Bytes in staging that belong to no document so far. Dropping this removes
/// them in the background: a bad field after the file, a wrong digest, or a
/// client that hangs up leave nothing behind.
#[derive(Debug)]
pub struct StagedBytes {
    places: StorageRouter,
    staged: Staged,
    armed: bool,
    /// Counts them until a row does, or until they are removed.
    held: Held,
}

impl StagedBytes {
    pub(super) const fn new(places: StorageRouter, staged: Staged, held: Held) -> Self {
        Self {
            places,
            staged,
            armed: true,
            held,
        }
    }

    /// Leaves the bytes where they are: a document has taken them over, or may have.
    pub fn keep(mut self) {
        self.armed = false;
    }

    /// What is known of the bytes.
    #[must_use]
    pub const fn staged(&self) -> &Staged {
        &self.staged
    }
}

impl Drop for StagedBytes {
    fn drop(&mut self) {
        // Without a runtime the process is going down; the cleanup finds them.
        if let (true, Ok(runtime)) = (self.armed, Handle::try_current()) {
            let (places, url) = (self.places.clone(), self.staged.url.clone());
            let held = self.held.clone();
            runtime.spawn(async move {
                remove(&places, &url).await;
                drop(held);
            });
        }
    }
}

/// Removes staged bytes. If that fails, the cleanup does it later.
async fn remove(places: &StorageRouter, staged: &Url) {
    if let Err(error) = places.delete(staged).await {
        tracing::warn!(
            storage.url = %staged,
            error = &error as &dyn std::error::Error,
            "could not remove refused bytes from staging; the cleanup will",
        );
    }
}
