//! Uploads with a key: which request it is shows only when the bytes are staged. One that is
//! refused before that is known by its header.

use std::sync::{Arc, Mutex, PoisonError};

use domain::Clock;
use ledger::{Begin, Database, SavedAnswer, begin_request};
use poem::Request;

use super::identity::Identity;
use super::layer::{TAKEOVER_AFTER, in_progress, reused};
use super::request::IdempotentRequest;
use crate::problem::Problem;
use crate::service::Service;

/// What a handler finds among the data of an upload that has a key.
#[derive(Clone, Debug)]
pub struct KeyedUpload {
    identity: Identity,
    db: Database,
    clock: Arc<dyn Clock>,
    came_before: bool,
    state: Arc<Mutex<State>>,
}

/// How far it came.
#[derive(Debug, Default)]
pub(super) enum State {
    /// Its bytes are not known yet.
    #[default]
    Unknown,
    /// It is this request's to answer.
    Begun(IdempotentRequest),
    /// It was answered before.
    Answered(SavedAnswer),
}

impl KeyedUpload {
    pub(super) fn new(identity: Identity, came_before: bool, service: &Service) -> Self {
        Self {
            identity,
            db: service.db.clone(),
            clock: Arc::clone(&service.clock),
            came_before,
            state: Arc::default(),
        }
    }

    /// The key of a request, if it has one.
    #[must_use]
    pub fn of(request: &Request) -> Option<&Self> {
        request.data()
    }

    /// Whether a request with the key came before. What is true now, such as a quota that it
    /// has used up itself, must not be held against its repetition.
    #[must_use]
    pub const fn came_before(&self) -> bool {
        self.came_before
    }

    /// Decides, now that the upload is known. A problem ends the request; if it was answered
    /// before, its answer stands in for the problem.
    pub async fn begin(&self, body: &str) -> Result<IdempotentRequest, Problem> {
        let request = self.identity.with_body(body.as_bytes());
        let begun = begin_request(&self.db, &request, self.clock.now(), TAKEOVER_AFTER).await?;
        match begun {
            Begin::Started(claim) => {
                let idempotent = IdempotentRequest::begun(claim);
                self.set(State::Begun(idempotent.clone()));
                Ok(idempotent)
            }
            Begin::Replay(answer) => {
                self.set(State::Answered(answer));
                Err(in_progress())
            }
            Begin::InProgress => Err(in_progress()),
            Begin::Reused => Err(reused()),
        }
    }

    /// How it ended.
    pub(super) fn take(&self) -> State {
        std::mem::take(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}
