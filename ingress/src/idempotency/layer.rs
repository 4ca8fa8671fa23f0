//! The layer around the API: takes up what is new, and answers what isn't.

use std::sync::Arc;
use std::time::Duration;

use ledger::{
    Begin, DbError, KeyedRequest, SavedAnswer, abandon_request, begin_request, find_request,
    finish_request,
};
use poem::http::Method;
use poem::{Endpoint, Request, Response, Result};
use tracing::Instrument;

use super::answer::{is_final, read, replay};
use super::identity::{FIELD, Identity, canonical, key};
use super::request::IdempotentRequest;
use super::sealed::open;
use super::upload::{KeyedUpload, State};
use crate::auth::{Session, bearer_token};
use crate::capacity::Ticket;
use crate::http::{LARGEST, ReadBody, RouteTable, parsed};
use crate::problem::{Code, Problem, RequestId};
use crate::service::Service;
use crate::uploads::Intake;

/// A request that hasn't ended by then is taken for dead. It is more than anybody is let wait.
pub(super) const TAKEOVER_AFTER: Duration = Duration::from_mins(2);

/// Refusals of a request that was cut off, or whose key is another's for now.
const OF_THIS_TRY: [Code; 4] = [
    Code::UploadIncomplete,
    Code::RequestTimeout,
    Code::IdempotencyInProgress,
    Code::IdempotencyKeyReused,
];

/// An endpoint whose changing requests may carry an `Idempotency-Key`.
pub struct Keyed<E>(Arc<Inner<E>>);

struct Inner<E> {
    endpoint: E,
    table: Arc<RouteTable>,
    intake: Intake,
    service: Service,
}

impl<E: Endpoint<Output = Response> + 'static> Keyed<E> {
    /// Wraps `endpoint`, whose routes are those of `table`.
    pub fn new(endpoint: E, table: Arc<RouteTable>, intake: Intake, service: Service) -> Self {
        Self(Arc::new(Inner {
            endpoint,
            table,
            intake,
            service,
        }))
    }
}

impl<E: Endpoint<Output = Response> + 'static> Endpoint for Keyed<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let changes = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
        let carries = request.headers().contains_key(FIELD);
        if !carries || !changes.contains(request.method()) {
            return self.0.endpoint.call(request).await;
        }
        let id = RequestId::settle(&mut request);
        // What was begun is brought to its end, so that its answer is kept, even if the
        // client hangs up.
        let inner = Arc::clone(&self.0);
        let running = async move { inner.answer(request).await }.in_current_span();
        match self.0.intake.keep_running(running).await {
            Ok(answer) => answer.or_else(|problem| Ok(problem.to_response(id.as_str()))),
            Err(error) => Ok(Problem::internal(error).to_response(id.as_str())),
        }
    }
}

impl<E: Endpoint<Output = Response>> Inner<E> {
    async fn answer(&self, request: Request) -> Result<Response, Problem> {
        let route = self.table.find(request.method(), request.uri().path());
        let caller = match request.data::<Session>().cloned() {
            Some(session) => session.known(request.headers()).await,
            None => None,
        };
        let (Ok(route), Some(caller)) = (route, caller) else {
            // It will be told so by whoever is asked first.
            return Ok(self.endpoint.get_response(request).await);
        };
        if let Some(ticket) = Ticket::of(&request) {
            ticket.belongs_to(caller.user)?;
        }
        // What an admin was answered is not for one who is none any more.
        if caller.role < route.demands {
            return Ok(self.endpoint.get_response(request).await);
        }
        let Some(key) = key(request.headers())? else {
            return Ok(self.endpoint.get_response(request).await);
        };
        let identity = Identity::of(&request, caller.user, key);
        if route.streams {
            self.upload(request, identity).await
        } else {
            self.json(request, &identity).await
        }
    }

    async fn json(&self, mut request: Request, identity: &Identity) -> Result<Response, Problem> {
        let body = request.take_body();
        let body = ReadBody::read(&request, body, LARGEST).await?;
        let of_body = identity.clone();
        let keyed = parsed(body.bytes.clone(), move |bytes| {
            of_body.with_body(&canonical(bytes))
        });
        let keyed = keyed.await?;
        let (db, now) = (&self.service.db, self.service.clock.now());
        match begin_request(db, &keyed, now, TAKEOVER_AFTER).await? {
            Begin::Started(claim) => {
                let idempotent = IdempotentRequest::begun(claim);
                body.put_back(&mut request);
                request.set_data(idempotent.clone());
                let response = self.endpoint.get_response(request).await;
                Ok(self.finish(&idempotent, response).await)
            }
            Begin::Replay(answer) => again(&request, answer),
            Begin::InProgress => Err(in_progress()),
            Begin::Reused => Err(reused()),
        }
    }

    async fn upload(&self, mut request: Request, identity: Identity) -> Result<Response, Problem> {
        let unread = identity.unread(request.headers());
        let (db, now) = (&self.service.db, self.service.clock.now());
        let before = find_request(db, &unread, now).await?;
        if let Some(Begin::Replay(refusal)) = before {
            return again(&request, refusal);
        }
        let keyed = KeyedUpload::new(identity, before.is_some(), &self.service);
        request.set_data(keyed.clone());
        let id = RequestId::settle(&mut request);
        let response = self.endpoint.get_response(request).await;
        match keyed.take() {
            State::Unknown => self.refused_unread(&unread, response).await,
            State::Begun(idempotent) => Ok(self.finish(&idempotent, response).await),
            State::Answered(answer) => Ok(replay(answer, &id)),
        }
    }

    /// Keeps the refusal of an upload whose bytes never came to be known, unless it says
    /// something of this try alone.
    async fn refused_unread(
        &self,
        unread: &KeyedRequest,
        response: Response,
    ) -> Result<Response, Problem> {
        let code = response.extensions().get::<Code>();
        if !is_final(response.status()) || code.is_none_or(|code| OF_THIS_TRY.contains(code)) {
            return Ok(response);
        }
        let (db, now) = (&self.service.db, self.service.clock.now());
        match begin_request(db, unread, now, TAKEOVER_AFTER).await {
            Ok(Begin::Started(claim)) => Ok(self
                .finish(&IdempotentRequest::begun(claim), response)
                .await),
            // An equal one was refused meanwhile.
            Ok(Begin::Replay(_) | Begin::InProgress) => Ok(response),
            Ok(Begin::Reused) => Err(reused()),
            Err(error) => {
                not_kept(&error);
                Ok(response)
            }
        }
    }

    /// Keeps the answer if it isn't, or frees the key for another try. A database that fails now
    /// leaves the key taken for a while; the answer is what it is.
    async fn finish(&self, idempotent: &IdempotentRequest, mut response: Response) -> Response {
        let Some(claim) = idempotent.claim() else {
            return response;
        };
        if idempotent.is_kept() && response.status().is_success() {
            return response;
        }
        let db = &self.service.db;
        let kept = if is_final(response.status()) {
            let answer = read(&mut response).await;
            finish_request(db, claim, &answer).await
        } else {
            abandon_request(db, claim).await
        };
        if let Err(error) = kept {
            not_kept(&error);
        }
        response
    }
}

fn not_kept(error: &DbError) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(error, "an answer could not be kept for repetitions");
}

/// The answer of a request that was answered before.
fn again(request: &Request, answer: SavedAnswer) -> Result<Response, Problem> {
    let token = bearer_token(request.headers());
    let answer = open(answer, token).ok_or_else(|| {
        reused().with_detail("Its answer holds a secret, for the token of the first request alone.")
    })?;
    Ok(replay(answer, &RequestId::of(request)))
}

pub(super) fn in_progress() -> Problem {
    Code::IdempotencyInProgress.into()
}

pub(super) fn reused() -> Problem {
    Code::IdempotencyKeyReused.into()
}
