//! Keyed uploads: their identity is known only once the bytes are staged. One refused before is
//! identified by its header.

use std::pin::pin;
use std::sync::{Arc, OnceLock};

use poem::Request;
use tokio::time::sleep;

use super::claims::{Claimed, Claims, RENEWAL};
use super::hold::Hold;
use super::identity::Identity;
use super::replay::Replay;
use super::request::IdempotentRequest;
use super::ticket_keys::Repetition;
use crate::problem::Problem;

/// An upload that takes effect once, if it has a key.
#[derive(Clone, Debug, Default)]
pub struct KeyedUpload(Option<Arc<Keyed>>);

#[derive(Debug)]
struct Keyed {
    identity: Identity,
    claims: Claims,
    came_before: bool,
    held: OnceLock<Hold>,
    begun: OnceLock<IdempotentRequest>,
}

/// Which request with its key one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The first one, or one without a key.
    First,
    /// The key was used before; the body tells by what.
    Repeated,
}

/// The state of a keyed upload once its bytes are known.
#[derive(Debug)]
pub enum Begun {
    /// A new one.
    First(IdempotentRequest),
    /// It was answered before.
    Replay(Replay),
}

impl KeyedUpload {
    pub(super) fn new(identity: Identity, came_before: bool, claims: Claims) -> Self {
        Self(Some(Arc::new(Keyed {
            identity,
            claims,
            came_before,
            held: OnceLock::new(),
            begun: OnceLock::new(),
        })))
    }

    /// Returns the keyed upload from the request's data.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        request.data::<Self>().cloned().unwrap_or_default()
    }

    /// Returns whether the key was used before. Current limits, such as the quota it has used up
    /// itself, must not refuse a repetition.
    #[must_use]
    pub fn came_before(&self) -> bool {
        self.0.as_ref().is_some_and(|keyed| keyed.came_before)
    }

    /// Returns whether the request has a key.
    #[must_use]
    pub const fn is_keyed(&self) -> bool {
        self.0.is_some()
    }

    /// Holds the key before the body is read, unless it was used before. Refuses while another request
    /// with the key is on its way.
    pub async fn hold(&self) -> Result<Turn, Problem> {
        let Some(keyed) = &self.0 else {
            return Ok(Turn::First);
        };
        if keyed.came_before {
            return Ok(Turn::Repeated);
        }
        if keyed.held.get().is_some() {
            return Ok(Turn::First);
        }
        match Hold::take(&keyed.claims, &keyed.identity.held()).await? {
            Some(hold) => {
                keyed.held.get_or_init(|| hold);
                Ok(Turn::First)
            }
            None => Ok(Turn::Repeated),
        }
    }

    /// Begins to read a repetition.
    pub fn repeat(&self) -> Result<Option<Repetition>, Problem> {
        self.0
            .as_ref()
            .map_or(Ok(None), |keyed| keyed.claims.repeat())
    }

    /// Claims the upload once its bytes are known; `identity` distinguishes it from others.
    pub async fn begin(&self, identity: impl FnOnce() -> String) -> Result<Begun, Problem> {
        let Some(keyed) = &self.0 else {
            return Ok(Begun::First(IdempotentRequest::default()));
        };
        let request = keyed.identity.with_body(identity().as_bytes());
        let claimed = match keyed.held.get() {
            Some(hold) => Claimed::First(hold.known(&request)),
            None => keyed.claims.claim(&request).await?,
        };
        match claimed {
            Claimed::First(idempotent) => {
                Ok(Begun::First(keyed.begun.get_or_init(|| idempotent).clone()))
            }
            Claimed::Answered(answer) => Ok(Begun::Replay(Replay::new(answer, None)?)),
        }
    }

    /// Returns the claim, if it was made.
    pub(super) fn begun(&self) -> Option<&IdempotentRequest> {
        self.0.as_ref()?.begun.get()
    }

    /// Returns the hold, if it was taken.
    pub(super) fn held(&self) -> Option<&Hold> {
        self.0.as_ref()?.held.get()
    }

    /// Ends the hold, if it was taken: the key has its answer, or was released.
    pub(super) fn end(&self) {
        if let Some(hold) = self.held() {
            hold.end();
        }
    }

    /// Awaits the answer of the upload, and renews its hold meanwhile.
    pub(super) async fn answered<T>(&self, answer: impl Future<Output = T>) -> T {
        let mut answer = pin!(answer);
        loop {
            tokio::select! {
                biased;
                answer = &mut answer => return answer,
                () = self.renewed() => {}
            }
        }
    }

    async fn renewed(&self) {
        match self.held() {
            Some(hold) => hold.renewed().await,
            None => sleep(RENEWAL).await,
        }
    }
}
