//! The layer that gives each request its session, and ends what goes on for long when its caller
//! is disabled, deleted, or loses their key.

use std::sync::Arc;

use poem::http::header::CONTENT_TYPE;
use poem::{Endpoint, Request, Response, Result};
use shared::db::Revocation;

use super::revocable::{End, Revocable};
use super::revocations::{LOOK, Revocations};
use super::{Authenticator, Session};
use crate::problem::{Code, Problem, RequestId};

/// An endpoint whose requests have sessions.
pub(crate) struct Sessions<E> {
    inner: E,
    authenticator: Arc<Authenticator>,
    revocations: Revocations,
}

impl<E: Endpoint<Output = Response>> Sessions<E> {
    /// Wraps `inner`.
    pub(crate) const fn new(
        inner: E,
        authenticator: Arc<Authenticator>,
        revocations: Revocations,
    ) -> Self {
        Self {
            inner,
            authenticator,
            revocations,
        }
    }

    /// Ends when the caller's credential is revoked.
    async fn revoked(&self, session: &Session) -> Problem {
        loop {
            tokio::time::sleep(LOOK).await;
            let Some(admitted) = session.admitted() else {
                continue;
            };
            let watch = self.revocations.watch(admitted.credential);
            return match watch.revoked().await {
                Revocation::Gone => Code::Unauthorized.into(),
                Revocation::Disabled => Code::Disabled.into(),
            };
        }
    }

    /// The answer, whose body ends with the caller's credential if it takes long.
    fn guarded(&self, session: &Session, mut response: Response) -> Response {
        if let Some(admitted) = session.admitted() {
            let kind = response.headers().get(CONTENT_TYPE);
            let events = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
            let end = if events { End::Close } else { End::Cut };
            let watch = || self.revocations.watch(admitted.credential);
            let body = Revocable::wrap(response.take_body(), end, watch);
            response.set_body(body);
        }
        response
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Sessions<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let session = Session::new(Arc::clone(&self.authenticator));
        request.set_data(session.clone());
        let id = RequestId::settle(&mut request);
        tokio::select! {
            biased;
            response = self.inner.get_response(request) => Ok(self.guarded(&session, response)),
            problem = self.revoked(&session) => Ok(problem.to_response(id.as_str())),
        }
    }
}
