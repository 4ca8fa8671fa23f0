//! How a handler takes effect once: it commits its change through [`IdempotentRequest::on`], which
//! stores the answer with it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::Timestamp;
use ledger::{Commit, Database, Receipt, RequestClaim, SavedAnswer, WithReceipt};
use poem::http::HeaderMap;
use poem::{IntoResponse, Request, RequestBody, Result};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::answer::read;
use super::masked::TicketSecret;
use super::sealed::seal;
use crate::auth::bearer_token;

/// A request that takes effect once, if it has a key. The layer puts it into the request's data.
#[derive(Clone, Debug, Default)]
pub struct IdempotentRequest(Option<Run>);

#[derive(Clone, Debug)]
struct Run {
    claim: RequestClaim,
    kept: Arc<AtomicBool>,
    open_until: Option<Timestamp>,
    token: Option<Token>,
    /// The secret in the URL of the request, if it comes by a ticket.
    ticket: Option<TicketSecret>,
}

/// The bearer token of the request; never shown.
#[derive(Clone)]
struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl IdempotentRequest {
    pub(super) fn begun(claim: RequestClaim, ticket: Option<TicketSecret>) -> Self {
        Self(Some(Run {
            claim,
            kept: Arc::default(),
            open_until: None,
            token: None,
            ticket,
        }))
    }

    /// Returns an answer as it is stored.
    pub(super) fn masked(&self, answer: SavedAnswer) -> SavedAnswer {
        let ticket = self.0.as_ref().and_then(|run| run.ticket.as_ref());
        match ticket {
            Some(secret) => secret.mask(answer),
            None => answer,
        }
    }

    /// Whether the final answer is stored already, unless the request was refused.
    pub(super) fn is_kept(&self) -> bool {
        let kept = |run: &Run| run.kept.load(Ordering::Acquire);
        self.0.as_ref().is_some_and(kept)
    }

    pub(super) fn claim(&self) -> Option<&RequestClaim> {
        self.0.as_ref().map(|run| &run.claim)
    }

    /// Marks the answer as provisional: a final one may follow until then.
    #[must_use]
    pub fn open_until(mut self, end: Option<Timestamp>) -> Self {
        if let Some(run) = &mut self.0 {
            run.open_until = end;
        }
        self
    }

    /// Marks the answer as secret: stored so that only the token of this request can read it.
    #[must_use]
    pub fn secret(mut self, headers: &HeaderMap) -> Self {
        if let Some(run) = &mut self.0 {
            run.token = bearer_token(headers).map(|token| Token(token.to_owned()));
        }
        self
    }

    /// Returns the ledger for one change answered by `answer`, which the same transaction stores.
    pub fn on<T, R, F>(&self, db: &Database, answer: F) -> impl Commit<T> + Send + use<T, R, F>
    where
        T: Clone + Send + Sync,
        R: IntoResponse,
        F: Fn(T) -> R + Send + Sync,
    {
        let run = self.0.clone();
        let receipt = move |made: &T| {
            let run = run.clone();
            let response = run.as_ref().map(|_| answer(made.clone()).into_response());
            async move { Some(run?.receipt(response?).await) }
        };
        WithReceipt {
            db: db.clone(),
            receipt,
        }
    }

    /// Returns the receipt to store with a change in a group commit; `None` without a key.
    pub async fn receipt<R: IntoResponse>(&self, answer: impl FnOnce() -> R) -> Option<Receipt> {
        let run = self.0.as_ref()?;
        Some(run.receipt(answer().into_response()).await)
    }
}

impl Run {
    async fn receipt(&self, mut response: poem::Response) -> Receipt {
        let answer = read(&mut response).await;
        let answer = match &self.ticket {
            Some(secret) => secret.mask(answer),
            None => answer,
        };
        let answer = match &self.token {
            None => answer,
            // An answer that can't be sealed is not stored, only its key.
            Some(token) => seal(answer.clone(), &token.0).unwrap_or(SavedAnswer {
                body: Vec::new(),
                ..answer
            }),
        };
        self.kept
            .store(self.open_until.is_none(), Ordering::Release);
        Receipt {
            claim: self.claim.clone(),
            answer,
            open_until: self.open_until,
        }
    }
}

impl<'a> ApiExtractor<'a> for IdempotentRequest {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::PoemExtractor];

    type ParamType = ();
    type ParamRawType = ();

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> Result<Self> {
        Ok(request.data::<Self>().cloned().unwrap_or_default())
    }
}
