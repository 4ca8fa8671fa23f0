//! The layer that authenticates each request once, if its route requires it, before its body is
//! read.

use domain::{Caller, Role, Scope};
use poem::{Endpoint, Request, Response, Result};

use super::current_user::CurrentUser;
use super::session::Session;
use crate::capacity::Ticket;
use crate::http::Route;
use crate::problem::{Code, Problem};

/// An endpoint whose requests carry their [`CurrentUser`], unless their route needs no token.
pub(crate) struct Authenticated<E>(pub(crate) E);

impl<E: Endpoint<Output = Response>> Endpoint for Authenticated<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let demands = Route::of(&request).and_then(|route| Some((route.demands?, route.scope)));
        if let Some(demands) = demands {
            let caller = authenticate(&request, demands).await?;
            request.set_data(CurrentUser(caller));
        }
        self.0.call(request).await
    }
}

/// The caller; from here on the request is charged to them.
async fn authenticate(
    request: &Request,
    (role, scope): (Role, Option<Scope>),
) -> Result<Caller, Problem> {
    let session = request
        .data::<Session>()
        .ok_or_else(|| Problem::internal("no session is set up"))?;
    let admitted = session.authenticate(request.headers()).await?;
    let (caller, account) = (admitted.caller, admitted.account);
    if let Some(ticket) = Ticket::of(request) {
        ticket.belongs_to(caller.user)?;
    }
    if account.caller.role < role {
        session.is_forbidden(caller, "not an admin");
        return Err(Code::Forbidden.into());
    }
    if let Some(scope) = scope.filter(|scope| !account.scopes.contains(*scope)) {
        if scope == Scope::Admin {
            session.is_forbidden(caller, "the key lacks the scope");
        }
        return Err(Problem::insufficient_scope(scope));
    }
    Ok(caller)
}
