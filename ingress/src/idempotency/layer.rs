//! The idempotency layer: claims new keyed requests, and replays answers of repeated ones.

use std::sync::Arc;

use ledger::Begin;
use poem::http::Method;
use poem::{Endpoint, IntoResponse, Request, Response, Result};
use tracing::Instrument;

use super::claims::{Answer, Claimed, Claims};
use super::identity::{Identity, canonical, key};
use super::replay::Replay;
use super::upload::KeyedUpload;
use crate::auth::{CurrentUser, bearer_token};
use crate::http::{LARGEST, ReadBody, Route, answer_of, parsed};
use crate::problem::{Problem, RequestId};
use crate::service::Service;
use crate::uploads::Intake;

/// An endpoint whose changing requests may carry an `Idempotency-Key`. Callers are authenticated
/// before.
pub struct Idempotency<E> {
    inner: Arc<Inner<E>>,
    intake: Intake,
}

struct Inner<E> {
    endpoint: E,
    claims: Claims,
}

impl<E: Endpoint<Output = Response> + 'static> Idempotency<E> {
    /// Wraps `endpoint`. `intake` keeps started requests running to their end.
    pub fn new(endpoint: E, intake: Intake, service: &Service) -> Self {
        let claims = Claims::new(service);
        Self {
            inner: Arc::new(Inner { endpoint, claims }),
            intake,
        }
    }
}

impl<E: Endpoint<Output = Response> + 'static> Endpoint for Idempotency<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let Some(identity) = identity(&request)? else {
            return self.inner.endpoint.call(request).await;
        };
        // A started request is completed and its answer stored, even if the client hangs up.
        let inner = Arc::clone(&self.inner);
        let running = async move { inner.answer(request, identity).await }.in_current_span();
        let answer = self.intake.keep_running(running).await;
        Ok(answer.map_err(Problem::internal)??)
    }
}

/// Returns the keyed request, if the request changes something and has a key.
fn identity(request: &Request) -> Result<Option<Identity>, Problem> {
    let changes = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let caller = request.data::<CurrentUser>();
    let Some(CurrentUser(caller)) = caller.filter(|_| changes.contains(request.method())) else {
        return Ok(None);
    };
    let key = key(request.headers())?;
    Ok(key.map(|key| Identity::of(request, caller.user, key)))
}

impl<E: Endpoint<Output = Response>> Inner<E> {
    async fn answer(&self, request: Request, identity: Identity) -> Answer {
        if Route::of(&request).is_some_and(|route| route.streams) {
            self.upload(request, identity).await
        } else {
            self.json(request, identity).await
        }
    }

    async fn json(&self, mut request: Request, identity: Identity) -> Answer {
        let body = request.take_body();
        let body = ReadBody::read(&request, body, LARGEST).await?;
        let keyed = parsed(body.bytes.clone(), move |bytes| {
            identity.with_body(&canonical(bytes))
        });
        match self.claims.claim(&keyed.await?).await? {
            Claimed::First(idempotent) => {
                let id = RequestId::of(&request);
                body.put_back(&mut request);
                request.set_data(idempotent.clone());
                let answer = answer_of(&self.endpoint, request).await;
                self.claims.end(&idempotent, answer, &id).await
            }
            Claimed::Answered(answer) => {
                let token = bearer_token(request.headers());
                Ok(Replay::new(answer, token)?.into_response())
            }
        }
    }

    async fn upload(&self, mut request: Request, identity: Identity) -> Answer {
        let id = RequestId::of(&request);
        let unread = identity.unread(request.headers());
        let keyed = match self.claims.find(&unread).await? {
            Some(Begin::Replay(refusal)) => {
                return Ok(Replay::new(refusal, None)?.into_response());
            }
            None => {
                self.claims.check_room(&unread)?;
                KeyedUpload::new(identity, false, self.claims.clone())
            }
            Some(_) if self.claims.is_running(&identity.held()).await? => {
                let keyed = KeyedUpload::new(identity, false, self.claims.clone());
                // Refuses, unless the process of the request before has died.
                keyed.hold().await?;
                keyed
            }
            Some(_) => KeyedUpload::new(identity, true, self.claims.clone()),
        };
        request.set_data(keyed.clone());
        let answer = keyed.answered(answer_of(&self.endpoint, request)).await;
        let answer = match (keyed.begun(), keyed.held(), answer) {
            (Some(idempotent), _, answer) => self.claims.end(idempotent, answer, &id).await,
            (None, Some(hold), Err(refusal)) => hold.refuse(&unread, refusal, &id).await,
            (None, None, Err(refusal)) => self.claims.keep_refusal(&unread, refusal, &id).await,
            (None, _, replay) => return replay,
        };
        keyed.end();
        answer
    }
}
