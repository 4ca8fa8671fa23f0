//! The layer that creates the session of each request, and ends long requests when their admission
//! is revoked.

use std::sync::Arc;

use ledger::Revocation;
use poem::http::header::CONTENT_TYPE;
use poem::{Endpoint, Request, Response, Result};

use super::Session;
use super::guard::Guard;
use super::revocable::{End, Revocable};
use super::revocations::LOOK;
use crate::problem::{Code, Problem, RequestId};

/// An endpoint whose requests have sessions.
pub(crate) struct Sessions<E> {
    inner: E,
    guard: Arc<Guard>,
}

impl<E: Endpoint<Output = Response>> Sessions<E> {
    /// Wraps `inner`.
    pub(crate) const fn new(inner: E, guard: Arc<Guard>) -> Self {
        Self { inner, guard }
    }

    /// Completes when the request's admission is revoked.
    async fn revoked(&self, session: &Session) -> Problem {
        loop {
            tokio::time::sleep(LOOK).await;
            let Some(admission) = session.admission() else {
                continue;
            };
            let watch = self.guard.revocations.watch(admission);
            return match watch.revoked().await {
                Revocation::Gone => Code::Unauthorized.into(),
                Revocation::Disabled => Code::Disabled.into(),
                Revocation::Demoted => session.demoted(),
            };
        }
    }

    /// Wraps the response so that a long body ends with the request's admission.
    fn guarded(&self, session: &Session, mut response: Response) -> Response {
        if let Some(admission) = session.admission() {
            let kind = response.headers().get(CONTENT_TYPE);
            let events = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
            let end = if events { End::Close } else { End::Cut };
            let watch = || self.guard.revocations.watch(admission);
            let body = Revocable::wrap(response.take_body(), end, watch);
            response.set_body(body);
        }
        response
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Sessions<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let id = RequestId::settle(&mut request);
        let session = Session::new(Arc::clone(&self.guard), &request, id.clone());
        request.set_data(session.clone());
        // Most queries name no owner and aren't parsed.
        let query = request.uri().query().unwrap_or_default();
        let asked = query.contains("owner").then(|| request.uri().clone());
        let _change = changes_users(&request).then(|| UserChange(&self.guard));
        let mut response = tokio::select! {
            biased;
            response = self.inner.get_response(request) => self.guarded(&session, response),
            problem = self.revoked(&session) => problem.to_response(id.as_str()),
        };
        session.answered(asked.as_ref(), &mut response);
        Ok(response)
    }
}

/// A request that may change users or keys. When it ends, however it does, keys are looked up again.
struct UserChange<'a>(&'a Guard);

impl Drop for UserChange<'_> {
    fn drop(&mut self) {
        self.0.authenticator.forget_holders();
    }
}

/// Whether a request may change users or keys.
fn changes_users(request: &Request) -> bool {
    let path = request.uri().path();
    let is_about_them = path.starts_with("/v1/admin/") || path.starts_with("/v1/keys");
    is_about_them && !request.method().is_safe()
}
