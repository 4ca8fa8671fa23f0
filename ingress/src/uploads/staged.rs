//! Staged bytes without a row: removed on drop unless kept.

use std::sync::Arc;

use storage::{Staged, StorageRouter};
use tokio::runtime::Handle;
use url::Url;

use super::in_flight::Held;
use super::inline::InlinePermit;

/// Staged bytes that don't belong to a document yet. Dropping this removes them in the background,
/// so that a bad field after the file, a wrong digest or a disconnected client leave nothing
/// behind.
#[derive(Debug)]
pub struct StagedBytes {
    places: StorageRouter,
    staged: Staged,
    armed: bool,
    /// Their share of the memory for small uploads, if they are there.
    _inline: Option<Arc<InlinePermit>>,
    /// Counts them until a row does or they are removed.
    held: Held,
}

impl StagedBytes {
    pub(super) fn new(
        places: StorageRouter,
        staged: Staged,
        held: Held,
        inline: Option<Arc<InlinePermit>>,
    ) -> Self {
        let is_inline = staged.body.is_some();
        Self {
            places,
            staged,
            // What is in no place has nothing to be removed.
            armed: !is_inline,
            _inline: inline.filter(|_| is_inline),
            held,
        }
    }

    /// Keeps the bytes: a document refers to them, or may.
    pub fn keep(mut self) {
        self.armed = false;
    }

    /// Returns the staged bytes' metadata.
    #[must_use]
    pub const fn staged(&self) -> &Staged {
        &self.staged
    }
}

impl Drop for StagedBytes {
    fn drop(&mut self) {
        // Without a runtime the process is ending; the cleanup removes them.
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
            "failed to remove refused bytes from staging; the cleanup will",
        );
    }
}
