//! The session of one request: its caller, rate limit and security log entries.

use std::error::Error as _;
use std::sync::{Arc, OnceLock};

use domain::{Account, Actor, AuditKind, AuditOrigin, Caller, Clock, Role, UserId};
use ledger::{Admission, Credential};
use poem::http::header::AUTHORIZATION;
use poem::http::{HeaderMap, Uri};
use poem::{Request, Response};
use url::form_urlencoded;

use super::guard::Guard;
use crate::capacity::Ticket;
use crate::problem::{Code, Problem, RequestId};
use crate::rates::{Address, Allowed};

/// The session in a request's data.
#[derive(Clone, Debug)]
pub(crate) struct Session(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    guard: Arc<Guard>,
    address: Option<Address>,
    ticket: Option<Ticket>,
    request_id: RequestId,
    reach: Reach,
    admitted: OnceLock<Admitted>,
}

/// What a request is about, beside the caller's own documents. An admin's role is needed beyond them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Own,
    Owner,
    Administration,
}

impl Reach {
    fn of(uri: &Uri) -> Self {
        if uri.path().starts_with("/v1/admin/") {
            Self::Administration
        } else if uri.query().is_some_and(|query| query.contains("owner")) {
            Self::Owner
        } else {
            Self::Own
        }
    }
}

/// An authenticated caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted {
    /// The caller as their key lets them act.
    pub(crate) caller: Caller,
    /// The account of the key or token.
    pub(crate) account: Account,
    pub(crate) credential: Credential,
    allowed: Option<Allowed>,
}

impl Session {
    pub(super) fn new(guard: Arc<Guard>, request: &Request, request_id: RequestId) -> Self {
        Self(Arc::new(Inner {
            address: Address::of(request, &guard.proxies),
            ticket: Ticket::of(request).cloned(),
            guard,
            request_id,
            reach: Reach::of(request.uri()),
            admitted: OnceLock::new(),
        }))
    }

    /// Authenticates the request, once. Refuses disabled users and those over their rate limit.
    pub(super) async fn authenticate(&self, headers: &HeaderMap) -> Result<Admitted, Problem> {
        let guard = &self.0.guard;
        let unknown = self.origin(Actor::Unknown);
        let _turn = match &self.0.ticket {
            Some(ticket) if headers.contains_key(AUTHORIZATION) => ticket.check_token().await?,
            _ => None,
        };
        let proved = guard.authenticator.account(headers, &unknown).await;
        let (account, credential) = proved.map_err(|refusal| self.refused(headers, refusal))?;
        let caller = account.acting();
        if account.disabled {
            let origin = self.origin(Actor::User(caller.user));
            guard.note_refusal(origin, AuditKind::AuthenticationRefused, "disabled");
            return Err(Code::Disabled.into());
        }
        if let Credential::Key(key) = credential {
            guard.key_uses.note(key);
        }
        let admitted = Admitted {
            caller,
            account,
            credential,
            allowed: guard.rates.request_of(caller.user)?,
        };
        self.0.admitted.get_or_init(|| admitted);
        Ok(admitted)
    }

    /// Returns the authenticated caller, if any.
    pub(crate) fn admitted(&self) -> Option<Admitted> {
        self.0.admitted.get().copied()
    }

    /// Returns what the request was admitted by, if it was: with the caller's role only if that lets it
    /// do more than a user.
    pub(super) fn admission(&self) -> Option<Admission> {
        let admitted = self.admitted()?;
        Some(Admission {
            credential: admitted.credential,
            role: match self.0.reach {
                Reach::Own => Role::User,
                Reach::Owner | Reach::Administration => admitted.caller.role,
            },
        })
    }

    /// Returns the answer to a caller who lost their role: that of a new request.
    pub(super) fn demoted(&self) -> Problem {
        match self.0.reach {
            Reach::Administration => Code::Forbidden.into(),
            Reach::Own | Reach::Owner => Code::NotFound.into(),
        }
    }

    /// Returns the clock.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.0.guard.trail.clock()
    }

    /// Returns the origin of the request for the security log.
    pub(crate) fn origin(&self, actor: Actor) -> AuditOrigin {
        AuditOrigin {
            actor,
            address: self.0.address.map(|address| address.to_string()),
            request_id: Some(self.0.request_id.to_string()),
        }
    }

    /// Records that an admin route was refused.
    pub(super) fn is_forbidden(&self, caller: Caller, reason: &str) {
        let origin = self.origin(Actor::User(caller.user));
        let kind = AuditKind::AdministrationRefused;
        self.0.guard.note_refusal(origin, kind, reason);
    }

    /// Adds the rate-limit fields to the response, and records an admin's read in the security log.
    pub(super) fn answered(&self, asked: Option<&Uri>, response: &mut Response) {
        let Some(admitted) = self.admitted() else {
            return;
        };
        if let Some(allowed) = admitted.allowed {
            allowed.tell(response);
        }
        let shown = response.status().is_success() || response.status().is_redirection();
        let owner = asked.filter(|_| shown).and_then(owner_in);
        let caller = admitted.caller;
        if let Some(owner) = owner.filter(|owner| *owner != caller.user)
            && caller.role == Role::Admin
        {
            let document = asked.and_then(|asked| asked.path().split('/').nth(3)?.parse().ok());
            let origin = self.origin(Actor::User(caller.user));
            self.0.guard.note_read(origin, owner, document);
        }
    }

    /// Counts a sign-in of the client's address; too many are answered with 429.
    pub(crate) fn count_sign_in(&self) -> Result<(), Problem> {
        self.0.guard.rates.sign_in_from(self.0.address)
    }

    /// Records that a sign-in was refused.
    pub(crate) fn sign_in_refused(&self, reason: &str) {
        let origin = self.origin(Actor::Unknown);
        let kind = AuditKind::AuthenticationRefused;
        self.0.guard.note_refusal(origin, kind, reason);
    }

    /// Counts a URL with the secret of no ticket; too many are answered with 429.
    fn refused_ticket(&self) -> Problem {
        let guard = &self.0.guard;
        let origin = self.origin(Actor::Unknown);
        guard.note_refusal(origin, AuditKind::AuthenticationRefused, "no such ticket");
        match guard.rates.refused_from(self.0.address) {
            Ok(()) => Code::NotFound.into(),
            Err(limited) => limited,
        }
    }

    /// Counts a refused key or token; too many are answered with 429.
    fn refused(&self, headers: &HeaderMap, refusal: Problem) -> Problem {
        if refusal.code() != Code::Unauthorized || !headers.contains_key(AUTHORIZATION) {
            return refusal;
        }
        let guard = &self.0.guard;
        let reason = refusal.source().map(ToString::to_string);
        let reason = reason.as_deref().unwrap_or("the key is not known");
        let origin = self.origin(Actor::Unknown);
        guard.note_refusal(origin, AuditKind::AuthenticationRefused, reason);
        match guard.rates.refused_from(self.0.address) {
            Ok(()) => refusal,
            Err(limited) => limited,
        }
    }
}

/// Returns the answer to a URL with the secret of no ticket.
pub(crate) fn refused_ticket(request: &Request) -> Problem {
    match request.data::<Session>() {
        Some(session) => session.refused_ticket(),
        None => Code::NotFound.into(),
    }
}

/// Returns the owner that a query names.
fn owner_in(asked: &Uri) -> Option<UserId> {
    let query = asked.query().unwrap_or_default().as_bytes();
    let mut owners = form_urlencoded::parse(query).filter(|(name, _)| name == "owner");
    owners.next()?.1.parse().ok()
}
