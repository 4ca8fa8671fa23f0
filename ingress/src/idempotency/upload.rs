//! Keyed uploads: their identity is known only once the bytes are staged. One refused before is
//! identified by its header.

use std::sync::{Arc, OnceLock};

use poem::Request;

use super::claims::{Claimed, Claims};
use super::identity::Identity;
use super::replay::Replay;
use super::request::IdempotentRequest;
use crate::problem::Problem;

/// An upload that takes effect once, if it has a key.
#[derive(Clone, Debug, Default)]
pub struct KeyedUpload(Option<Arc<Keyed>>);

#[derive(Debug)]
struct Keyed {
    identity: Identity,
    claims: Claims,
    came_before: bool,
    begun: OnceLock<IdempotentRequest>,
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

    /// Claims the upload once its bytes are known; `identity` distinguishes it from others.
    pub async fn begin(&self, identity: impl FnOnce() -> String) -> Result<Begun, Problem> {
        let Some(keyed) = &self.0 else {
            return Ok(Begun::First(IdempotentRequest::default()));
        };
        let request = keyed.identity.with_body(identity().as_bytes());
        match keyed.claims.claim(&request).await? {
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
}
