//! Claims idempotency keys in the ledger before anything is done, and completes them with the
//! answer.

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Sha256, TicketId};
use ledger::{
    Begin, Database, DbError, KeyedRequest, RequestClaim, SavedAnswer, Ticket, abandon_request,
    begin_request, find_request, find_ticket_by_secret, finish_request, has_no_room, renew_request,
};
use poem::Response;
use poem::error::ResponseError;

use super::answer::{is_final, read};
use super::masked::TicketSecret;
use super::request::IdempotentRequest;
use super::ticket_keys::{Repetition, TicketKeys};
use crate::problem::{Code, Problem, RequestId};
use crate::service::Service;

/// After this time an unfinished request counts as dead. Longer than any wait.
const TAKEOVER_AFTER: Duration = Duration::from_mins(2);

/// The same of an upload, whose process renews its claim.
const UNRENEWED: Duration = Duration::from_secs(20);

/// How often it does.
pub(super) const RENEWAL: Duration = Duration::from_secs(5);

/// Refusals that say nothing about the request itself.
const OF_THIS_TRY: [Code; 4] = [
    Code::UploadIncomplete,
    Code::RequestTimeout,
    Code::IdempotencyInProgress,
    Code::IdempotencyKeyReused,
];

/// The answer of a request.
pub(super) type Answer = Result<Response, Problem>;

/// Claims keys and completes them.
#[derive(Clone, Debug)]
pub(super) struct Claims {
    db: Database,
    clock: Arc<dyn Clock>,
    keys: TicketKeys,
    /// The ticket by which the requests come, if they do.
    ticket: Option<(TicketId, TicketSecret)>,
}

/// The state of a keyed request.
pub(super) enum Claimed {
    /// The first one with its key.
    First(IdempotentRequest),
    /// It was answered before.
    Answered(SavedAnswer),
}

impl Claims {
    /// Creates claims in the ledger of `service`.
    pub(super) fn new(service: &Service) -> Self {
        Self {
            db: service.db.clone(),
            clock: Arc::clone(&service.clock),
            keys: TicketKeys::new(service.limits.rows.keys),
            ticket: None,
        }
    }

    /// Returns the claims of those who come by a ticket.
    pub(super) fn by_ticket(&self, ticket: TicketId, secret: &str) -> Self {
        Self {
            ticket: Some((ticket, TicketSecret::new(secret))),
            ..self.clone()
        }
    }

    /// Returns a request that runs.
    pub(super) fn begun(&self, claim: RequestClaim) -> IdempotentRequest {
        let secret = self.ticket.as_ref().map(|(_, secret)| secret.clone());
        IdempotentRequest::begun(claim, secret)
    }

    /// Returns the ticket with this secret, unless it was revoked.
    pub(super) async fn ticket(&self, secret: &str) -> Result<Option<Ticket>, DbError> {
        let found = find_ticket_by_secret(&self.db, Sha256::of(secret.as_bytes())).await?;
        Ok(found.filter(|ticket| ticket.revoked_at.is_none()))
    }

    /// Begins to read a repetition. Of those who come by a ticket there is one at a time.
    pub(super) fn repeat(&self) -> Result<Option<Repetition>, Problem> {
        let repeat = |(ticket, _): &_| self.keys.repeat(*ticket, self.clock.now());
        self.ticket.as_ref().map(repeat).transpose()
    }

    /// Claims a request, unless its key is in use.
    pub(super) async fn claim(&self, request: &KeyedRequest) -> Result<Claimed, Problem> {
        match self.begin(request, TAKEOVER_AFTER).await? {
            Begin::Started(claim) => Ok(Claimed::First(self.begun(claim))),
            Begin::Replay(answer) => Ok(Claimed::Answered(match &self.ticket {
                Some((_, secret)) => secret.unmask(answer),
                None => answer,
            })),
            Begin::InProgress => Err(Code::IdempotencyInProgress.into()),
            Begin::Reused => Err(Code::IdempotencyKeyReused.into()),
            Begin::NoRoom => Err(no_room()),
        }
    }

    /// Claims a request whose body is still to be read; `None` if the key was used before, and the body
    /// tells by what.
    pub(super) async fn claim_unread(
        &self,
        request: &KeyedRequest,
    ) -> Result<Option<RequestClaim>, Problem> {
        match self.begin(request, UNRENEWED).await? {
            Begin::Started(claim) => Ok(Some(claim)),
            Begin::Replay(_) | Begin::Reused => Ok(None),
            Begin::InProgress => Err(Code::IdempotencyInProgress.into()),
            Begin::NoRoom => Err(no_room()),
        }
    }

    /// Refuses a new key of an owner known to have too many, before the body is read.
    pub(super) fn check_room(&self, request: &KeyedRequest) -> Result<(), Problem> {
        if has_no_room(&self.db, request.owner, self.clock.now()) {
            return Err(no_room());
        }
        Ok(())
    }

    /// Looks up the answer of a request with this key without claiming it; `None` if there was
    /// none.
    pub(super) async fn find(&self, request: &KeyedRequest) -> Result<Option<Begin>, DbError> {
        find_request(&self.db, request, self.clock.now()).await
    }

    /// Keeps others from taking a claim over. If the database fails, the next renewal may be in time.
    pub(super) async fn renew(&self, claim: &RequestClaim) {
        if let Err(error) = renew_request(&self.db, claim, self.clock.now()).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "failed to renew the claim of an idempotency key");
        }
    }

    /// Releases a key for a retry. If the database fails, it stays claimed for a while.
    pub(super) async fn release(&self, claim: &RequestClaim) {
        if let Err(error) = abandon_request(&self.db, claim).await {
            not_kept(&error);
        }
    }

    /// Stores the answer if needed, or releases the key for a retry. If the database fails, the key
    /// stays claimed for a while; the answer is sent anyway.
    pub(super) async fn end(
        &self,
        request: &IdempotentRequest,
        mut answer: Answer,
        id: &RequestId,
    ) -> Answer {
        let Some(claim) = request.claim() else {
            return answer;
        };
        let status = match &answer {
            Ok(response) => response.status(),
            Err(problem) => problem.status(),
        };
        if request.is_kept() && status.is_success() {
            return answer;
        }
        let is_kept = match &answer {
            Ok(_) => status.is_success() || self.keeps_refusals(),
            Err(refusal) if refusal.is_of_document() => true,
            Err(refusal) => self.keeps_refusals() && refusal.code() != Code::IdempotencyInProgress,
        };
        if !is_kept || !is_final(status) {
            self.release(claim).await;
            return answer;
        }
        let saved = match &mut answer {
            Ok(response) => read(response).await,
            Err(problem) => read(&mut problem.to_response(id.as_str())).await,
        };
        let saved = request.masked(saved);
        if let Err(error) = finish_request(&self.db, claim, &saved).await {
            not_kept(&error);
        }
        answer
    }

    /// Whether a request with this identity is running.
    pub(super) async fn is_running(&self, request: &KeyedRequest) -> Result<bool, DbError> {
        Ok(self.find(request).await? == Some(Begin::InProgress))
    }

    /// Stores the refusal of an upload whose bytes were not read, unless it concerns only this try.
    pub(super) async fn keep_refusal(
        &self,
        unread: &KeyedRequest,
        refusal: Problem,
        id: &RequestId,
    ) -> Answer {
        if !self.keeps(&refusal) {
            return Err(refusal);
        }
        match self.begin(unread, TAKEOVER_AFTER).await {
            Ok(Begin::Started(claim)) => {
                let request = self.begun(claim);
                self.end(&request, Err(refusal), id).await
            }
            // An equal request was refused meanwhile, or there is no room to store this one.
            Ok(Begin::Replay(_) | Begin::InProgress | Begin::NoRoom) => Err(refusal),
            Ok(Begin::Reused) => Err(Code::IdempotencyKeyReused.into()),
            Err(error) => {
                not_kept(&error);
                Err(refusal)
            }
        }
    }

    /// Whether a refusal is kept: one that says something about the request itself.
    pub(super) fn keeps(&self, refusal: &Problem) -> bool {
        let is_of_request = is_final(refusal.status()) && !OF_THIS_TRY.contains(&refusal.code());
        is_of_request && self.keeps_refusals()
    }

    /// Those of strangers are not kept: the room is their ticket's owner's.
    const fn keeps_refusals(&self) -> bool {
        self.ticket.is_none()
    }

    async fn begin(
        &self,
        request: &KeyedRequest,
        takeover_after: Duration,
    ) -> Result<Begin, DbError> {
        let now = self.clock.now();
        let ticket = self.ticket.as_ref().map(|(ticket, _)| *ticket);
        if ticket.is_some_and(|ticket| !self.keys.has_room(ticket, now)) {
            return Ok(Begin::NoRoom);
        }
        let begin = begin_request(&self.db, request, now, takeover_after).await?;
        if let (Some(ticket), Begin::Started(_)) = (ticket, &begin) {
            self.keys.count(ticket, now);
        }
        Ok(begin)
    }
}

fn no_room() -> Problem {
    Problem::from(Code::RateLimited)
        .with_detail("Too many idempotency keys were used in the last 24 hours.")
}

fn not_kept(error: &DbError) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(error, "failed to store an answer for repeated requests");
}
