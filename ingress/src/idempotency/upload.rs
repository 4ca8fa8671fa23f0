//! Uploads with a key: which request it is shows only when the bytes are staged. One that is
//! refused before that is known by its header.

use std::sync::{Arc, OnceLock};

use poem::Request;

use super::claims::{Claimed, Claims};
use super::identity::Identity;
use super::replay::Replay;
use super::request::IdempotentRequest;
use crate::problem::Problem;

/// An upload that is acted on once, if it has a key.
#[derive(Clone, Debug, Default)]
pub struct KeyedUpload(Option<Arc<Keyed>>);

#[derive(Debug)]
struct Keyed {
    identity: Identity,
    claims: Claims,
    came_before: bool,
    begun: OnceLock<IdempotentRequest>,
}

/// What an upload turns out to be once its bytes are known.
#[derive(Debug)]
pub enum Begun {
    /// One that is to be acted on.
    First(IdempotentRequest),
    /// One that was answered before.
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

    /// The upload that a request is; the layer put it among its data, if it has a key.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        request.data::<Self>().cloned().unwrap_or_default()
    }

    /// Whether a request with the key came before. What is true now, such as a quota that it
    /// has used up itself, must not be held against its repetition.
    #[must_use]
    pub fn came_before(&self) -> bool {
        self.0.as_ref().is_some_and(|keyed| keyed.came_before)
    }

    /// Claims the upload, now that its bytes are known: `identity` distinguishes it from others.
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

    /// What was begun, if it came so far.
    pub(super) fn begun(&self) -> Option<&IdempotentRequest> {
        self.0.as_ref()?.begun.get()
    }
}
