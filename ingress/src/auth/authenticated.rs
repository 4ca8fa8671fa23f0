//! The layer that authenticates each request once, if its route requires it, before its body is
//! read.

use domain::{Caller, Role};
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
        if let Some(role) = Route::of(&request).and_then(|route| route.demands) {
            let caller = authenticate(&request, role).await?;
            request.set_data(CurrentUser(caller));
        }
        self.0.call(request).await
    }
}

/// The caller; from here on the request is charged to them.
async fn authenticate(request: &Request, demanded: Role) -> Result<Caller, Problem> {
    let session = request
        .data::<Session>()
        .ok_or_else(|| Problem::internal("no session is set up"))?;
    let caller = session.authenticate(request.headers()).await?;
    if let Some(ticket) = Ticket::of(request) {
        ticket.belongs_to(caller.user)?;
    }
    if caller.role < demanded {
        session.is_forbidden(caller);
        return Err(Code::Forbidden.into());
    }
    Ok(caller)
}
