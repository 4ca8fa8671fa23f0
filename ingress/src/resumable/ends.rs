//! What ends a request that writes before its body does: another request for the same upload, or a
//! client that went away.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::holders::Holder;

/// The ends of one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends<'r> {
    /// Its hold on the upload, which another request may take.
    pub(super) holder: &'r Holder,
    /// Cancelled once nobody waits for the answer.
    pub(super) dropped: &'r CancellationToken,
}

impl Ends<'_> {
    /// Waits for one of them.
    pub(super) async fn reached(&self) {
        tokio::select! {
            () = self.holder.is_cut_off() => {}
            () = self.dropped.cancelled() => {}
        }
    }

    /// Waits until one of them was so long ago.
    pub(super) async fn reached_before(&self, time: Duration) {
        self.reached().await;
        sleep(time).await;
    }
}
