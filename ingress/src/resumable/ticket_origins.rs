//! Cross-origin requests behind the URL of a ticket: scripts of the ticket's origin may use it, whatever
//! origins the operator allows elsewhere. What other scripts send is refused by the handlers.

use domain::Sha256;
use ledger::{Database, find_ticket_by_secret};
use poem::http::header::{HeaderValue, ORIGIN};
use poem::{Endpoint, Request, Response, Result};

use crate::http::OriginGrant;

/// An endpoint with CORS behind the URLs of tickets.
pub struct TicketOrigins<E> {
    inner: E,
    db: Database,
}

impl<E> TicketOrigins<E> {
    /// Wraps `inner`. The tickets are in `db`.
    pub const fn new(inner: E, db: Database) -> Self {
        Self { inner, db }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for TicketOrigins<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let Some(secret) = secret_in(request.uri().path()) else {
            return self.inner.call(request).await;
        };
        let allowed = match request.headers().get(ORIGIN) {
            Some(origin) if allows(&self.db, secret, origin).await => Some(origin),
            _ => None,
        };
        let grant = OriginGrant::of(&request, allowed);
        let mut response = match grant.preflight() {
            Some(preflight) => preflight,
            None => self.inner.call(request).await?,
        };
        grant.show_in(&mut response);
        Ok(response)
    }
}

/// Returns the secret of a ticket's URL.
pub fn secret_in(path: &str) -> Option<&str> {
    path.strip_prefix("/t/")?.split('/').next()
}

/// Whether the ticket is for scripts of this origin. While the database is away none is.
async fn allows(db: &Database, secret: &str, origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let found = find_ticket_by_secret(db, Sha256::of(secret.as_bytes())).await;
    found
        .ok()
        .flatten()
        .is_some_and(|ticket| is_origin_of(ticket.cors_origin.as_deref(), origin))
}

/// Whether a ticket for `allowed` is for scripts of `origin`.
pub fn is_origin_of(allowed: Option<&str>, origin: &str) -> bool {
    allowed.is_some_and(|allowed| allowed == "*" || allowed == origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_the_first_segment() {
        for (path, secret) in [
            ("/t/abc", Some("abc")),
            ("/t/abc/uploads/1", Some("abc")),
            ("/t/", Some("")),
            ("/t", None),
            ("/v1/t/abc", None),
        ] {
            assert_eq!(secret_in(path), secret, "{path}");
        }
    }
}
