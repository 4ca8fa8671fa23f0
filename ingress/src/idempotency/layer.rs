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
use crate::resumable::secret_in;
use crate::service::Service;
use crate::uploads::Intake;

/// An endpoint whose changing requests may carry an `Idempotency-Key`. Callers are authenticated
/// before, or have the URL of a ticket.
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
        let Some((identity, claims)) = self.inner.identity(&request).await? else {
            return self.inner.endpoint.call(request).await;
        };
        // A started request is completed and its answer stored, even if the client hangs up.
        let inner = Arc::clone(&self.inner);
        let running =
            async move { inner.answer(request, identity, claims).await }.in_current_span();
        let answer = self.intake.keep_running(running).await;
        Ok(answer.map_err(Problem::internal)??)
    }
}

impl<E: Endpoint<Output = Response>> Inner<E> {
    /// Returns the keyed request, if the request changes something and has a key, and how it is claimed.
    async fn identity(&self, request: &Request) -> Result<Option<(Identity, Claims)>, Problem> {
        let changes = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
        if !changes.contains(request.method()) {
            return Ok(None);
        }
        if let Some(CurrentUser(caller)) = request.data::<CurrentUser>() {
            let key = key(request.headers())?;
            let identity = key.map(|key| Identity::of(request, caller.user, key));
            return Ok(identity.map(|identity| (identity, self.claims.clone())));
        }
        let Some(secret) = secret_in(request.uri().path()) else {
            return Ok(None);
        };
        let Some(key) = key(request.headers())? else {
            return Ok(None);
        };
        // The handler refuses a secret of no ticket.
        let Some(ticket) = self.claims.ticket(secret).await? else {
            return Ok(None);
        };
        let identity = Identity::of_ticket(request, &ticket, &key);
        Ok(Some((identity, self.claims.by_ticket(ticket.id, secret))))
    }

    async fn answer(&self, request: Request, identity: Identity, claims: Claims) -> Answer {
        if Route::of(&request).is_some_and(|route| route.streams) {
            self.upload(request, identity, claims).await
        } else {
            self.json(request, identity, claims).await
        }
    }

    async fn json(&self, mut request: Request, identity: Identity, claims: Claims) -> Answer {
        let body = request.take_body();
        let body = ReadBody::read(&request, body, LARGEST).await?;
        let keyed = parsed(body.bytes.clone(), move |bytes| {
            identity.with_body(&canonical(bytes))
        });
        match claims.claim(&keyed.await?).await? {
            Claimed::First(idempotent) => {
                let id = RequestId::of(&request);
                body.put_back(&mut request);
                request.set_data(idempotent.clone());
                let answer = answer_of(&self.endpoint, request).await;
                claims.end(&idempotent, answer, &id).await
            }
            Claimed::Answered(answer) => {
                let token = bearer_token(request.headers());
                Ok(Replay::new(answer, token)?.into_response())
            }
        }
    }

    async fn upload(&self, mut request: Request, identity: Identity, claims: Claims) -> Answer {
        let id = RequestId::of(&request);
        let unread = identity.unread(request.headers());
        let keyed = match claims.find(&unread).await? {
            Some(Begin::Replay(refusal)) => {
                return Ok(Replay::new(refusal, None)?.into_response());
            }
            None => {
                claims.check_room(&unread)?;
                KeyedUpload::new(identity, false, claims.clone())
            }
            Some(_) if claims.is_running(&identity.held()).await? => {
                let keyed = KeyedUpload::new(identity, false, claims.clone());
                // Refuses, unless the process of the request before has died.
                keyed.hold().await?;
                keyed
            }
            Some(_) => KeyedUpload::new(identity, true, claims.clone()),
        };
        request.set_data(keyed.clone());
        let answer = keyed.answered(answer_of(&self.endpoint, request)).await;
        let answer = match (keyed.begun(), keyed.held(), answer) {
            (Some(idempotent), _, answer) => claims.end(idempotent, answer, &id).await,
            (None, Some(hold), Err(refusal)) => hold.refuse(&unread, refusal, &id).await,
            (None, None, Err(refusal)) => claims.keep_refusal(&unread, refusal, &id).await,
            (None, _, replay) => return replay,
        };
        keyed.end();
        answer
    }
}
