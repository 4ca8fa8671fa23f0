//! The hold of an upload on its key while its body is being read, so that an equal request is asked to come
//! back instead of being run beside it.
//!
//! It is the row that the upload would get anyway, only earlier; so it holds for every process. It ends with
//! the upload, also with one whose client hung up or whose handler was dropped. If the process dies, it is
//! no longer renewed, and an equal request takes it over. There are as many as uploads in progress, which
//! are bounded for each user, and their rows count like those of other keys.

use std::sync::atomic::{AtomicBool, Ordering};

use ledger::{KeyedRequest, RequestClaim};
use tokio::runtime::Handle;
use tokio::time::sleep;

use super::claims::{Answer, Claims, RENEWAL};
use super::request::IdempotentRequest;
use crate::problem::{Problem, RequestId};

/// A key that is held. Dropped before its end, it is released in the background.
#[derive(Debug)]
pub(super) struct Hold {
    claim: RequestClaim,
    claims: Claims,
    ended: AtomicBool,
}

impl Hold {
    /// Holds the key of a request whose body is still to be read; `None` if the key was used before.
    pub(super) async fn take(
        claims: &Claims,
        request: &KeyedRequest,
    ) -> Result<Option<Self>, Problem> {
        let claim = claims.claim_unread(request).await?;
        Ok(claim.map(|claim| Self {
            claim,
            claims: claims.clone(),
            ended: AtomicBool::new(false),
        }))
    }

    /// Returns the request with its body.
    pub(super) fn known(&self, request: &KeyedRequest) -> IdempotentRequest {
        self.claims
            .begun(self.claim.clone().with_hash(request.hash))
    }

    /// Renews the hold once it is due.
    pub(super) async fn renewed(&self) {
        sleep(RENEWAL).await;
        self.claims.renew(&self.claim).await;
    }

    /// Ends the hold: the key has its answer, or was released.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// Answers an upload that was refused before its body was known. The refusal is kept for
    /// requests with the same header, `unread`, unless it concerns only this try.
    pub(super) async fn refuse(
        &self,
        unread: &KeyedRequest,
        refusal: Problem,
        id: &RequestId,
    ) -> Answer {
        let request = self.known(unread);
        if !self.claims.keeps(&refusal) {
            self.claims.release(&self.claim).await;
            return Err(refusal);
        }
        self.claims.end(&request, Err(refusal), id).await
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Without a runtime the process is ending, and its claims are taken over.
        if let (false, Ok(runtime)) = (*self.ended.get_mut(), Handle::try_current()) {
            let (claim, claims) = (self.claim.clone(), self.claims.clone());
            runtime.spawn(async move { claims.release(&claim).await });
        }
    }
}
