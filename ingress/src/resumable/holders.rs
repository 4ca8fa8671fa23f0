//! The requests of this process that are writing to an upload, one for each upload. A later one cuts
//! off the one before, and waits until that has recorded what it received.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::UploadId;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long a request that is cut off has to record its bytes. After that the next one takes the
/// upload over by its fence, as from another process.
const PATIENCE: Duration = Duration::from_secs(10);

/// The requests that write; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Holders(Arc<Mutex<HashMap<UploadId, Tokens>>>);

#[derive(Clone, Debug, Default)]
struct Tokens {
    cut_off: CancellationToken,
    ended: CancellationToken,
}

/// A request that writes; it has ended once this is dropped.
#[derive(Debug)]
pub struct Holder {
    id: UploadId,
    tokens: Tokens,
    all: Holders,
}

impl Holders {
    /// Cuts off the request that writes to an upload, if there is one, and waits until it has ended.
    pub async fn cut_off(&self, id: UploadId) {
        let Some(tokens) = self.lock().get(&id).cloned() else {
            return;
        };
        tokens.cut_off.cancel();
        let _ = timeout(PATIENCE, tokens.ended.cancelled()).await;
    }

    /// Starts a request that writes, in place of the one before.
    pub async fn enter(&self, id: UploadId) -> Holder {
        self.cut_off(id).await;
        let tokens = Tokens::default();
        if let Some(other) = self.lock().insert(id, tokens.clone()) {
            // Two that came at the same time: the fence decides.
            other.cut_off.cancel();
        }
        Holder {
            id,
            tokens,
            all: self.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UploadId, Tokens>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Holder {
    /// Waits until another request wants the upload.
    pub async fn is_cut_off(&self) {
        self.tokens.cut_off.cancelled().await;
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.tokens.ended.cancel();
        let mut all = self.all.lock();
        if all
            .get(&self.id)
            .is_some_and(|tokens| tokens.ended.is_cancelled())
        {
            all.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn the_next_waits_for_the_end_of_the_one_before() {
        let holders = Holders::default();
        let id = UploadId(Uuid::from_u128(7));
        let first = holders.enter(id).await;
        assert!(first.is_cut_off().now_or_never().is_none());
        let mut second = Box::pin(holders.enter(id));
        assert!((&mut second).now_or_never().is_none());
        first.is_cut_off().await;
        drop(first);
        let second = second.await;
        assert_eq!(holders.lock().len(), 1);
        drop(second);
        assert_eq!(holders.lock().len(), 0);
        holders.cut_off(id).await;
    }
}
