//! Tickets: their owners create, list and revoke them.

use domain::{Sha256, TicketId};
use ledger::{Ticket, TicketError, create_ticket, find_ticket, list_tickets, revoke_ticket};
use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use uuid::Uuid;

use crate::auth::CurrentUser;
use crate::dto::{
    Binding, CursorText, Id, Limit, NewTicket, TicketBody, TicketPageBody, cursor, cut, position,
};
use crate::http::{JsonBody, Optional};
use crate::idempotency::IdempotentRequest;
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::service::Service;

problem_sets! {
    /// Creating a ticket.
    CreateProblems {
        BadJson, UploadIncomplete, Unauthorized, QuotaExceeded, RequestTimeout, TooLarge,
        UnsupportedMediaType, Invalid, RateLimited,
    }
    /// Listing tickets.
    ListProblems { Unauthorized, Invalid }
    /// Reading or revoking a ticket.
    TicketProblems { Unauthorized, NotFound, Invalid }
}

#[derive(ApiResponse)]
enum Created {
    /// The ticket, with its URL, which is shown only now: the service keeps a digest of its secret.
    #[oai(status = 201)]
    Ticket(Json<TicketBody>, #[oai(header = "Location")] String),
}

#[derive(ApiResponse)]
enum Revoked {
    /// No upload may begin any more, and those in progress have ended.
    #[oai(status = 204)]
    Done,
}

impl From<TicketError> for Problem {
    fn from(error: TicketError) -> Self {
        let code = match error {
            TicketError::Database(error) => return error.into(),
            TicketError::TooMany => {
                let detail =
                    "You have as many tickets as are kept of a user; expired ones are forgotten.";
                return Self::from(Code::RateLimited).with_detail(detail);
            }
            TicketError::NotFound => Code::NotFound,
            TicketError::QuotaExceeded => Code::QuotaExceeded,
            TicketError::OwnerGone => Code::Unauthorized,
        };
        Self::from(code).because(error)
    }
}

/// The routes of tickets, for their owners.
#[derive(Clone, Debug)]
pub struct TicketRoutes(pub Service);

#[OpenApi(prefix_path = "/v1", tag = "Group::Tickets")]
impl TicketRoutes {
    /// Create a ticket
    ///
    /// Whoever has its URL may upload as you, within its limits, and see nothing but the status of what
    /// they sent. With `max_bytes`, the bytes of all uses are reserved from your quota.
    #[oai(path = "/tickets", method = "post", operation_id = "create_ticket")]
    async fn create(
        &self,
        caller: CurrentUser,
        request: &Request,
        idempotent: IdempotentRequest,
        body: JsonBody<NewTicket, Optional>,
    ) -> Result<Created, Documented<CreateProblems>> {
        let (new, now) = (body.0, self.0.clock.now());
        let secret = new_secret();
        let ticket = Ticket {
            id: TicketId::new(now),
            owner: caller.0.user,
            name: new.name,
            metadata: new.metadata,
            uses: new.uses,
            uses_left: new.uses,
            max_bytes: new.max_bytes,
            allowed_types: new.allowed_types,
            cors_origin: new.cors_origin,
            revoked_at: None,
            created_at: now,
            expires_at: now.plus(new.expires_in),
        };
        let digest = Sha256::of(secret.as_bytes());
        let answer = move |ticket: Ticket| {
            let location = format!("/v1/tickets/{}", ticket.id);
            let url = Some(format!("/t/{secret}"));
            Created::Ticket(Json(TicketBody::of(ticket, url, now)), location)
        };
        let on = idempotent
            .secret(request.headers())
            .on(&self.0.db, answer.clone());
        let created = create_ticket(&on, &ticket, digest, &self.0.limits).await;
        created.map_err(Problem::from)?;
        Ok(answer(ticket))
    }

    /// List tickets, newest first
    #[oai(path = "/tickets", method = "get", operation_id = "list_tickets")]
    async fn list(
        &self,
        caller: CurrentUser,
        /// Tickets per page, 50 by default.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u32>>,
        /// The `next_cursor` of the previous page.
        cursor: Query<Option<CursorText>>,
    ) -> Result<Json<TicketPageBody>, Documented<ListProblems>> {
        let limit = Limit::read(limit.0)?;
        let binding = Binding::new(caller.0.user, &[&"tickets"]);
        let before = position(binding, cursor.0.as_ref(), |text| text.parse().ok())?;
        let most = u64::from(limit.and_one());
        let found = list_tickets(&self.0.db, caller.0.user, before, most).await;
        let (tickets, more) = cut(found.map_err(Problem::from)?, limit);
        let last = tickets.last().filter(|_| more);
        let next_cursor = last.map(|last| self::cursor(binding, &last.id));
        let now = self.0.clock.now();
        let items = tickets.into_iter();
        Ok(Json(TicketPageBody {
            items: items
                .map(|ticket| TicketBody::of(ticket, None, now))
                .collect(),
            next_cursor,
        }))
    }

    /// Read a ticket
    #[oai(path = "/tickets/:id", method = "get", operation_id = "read_ticket")]
    async fn read(
        &self,
        caller: CurrentUser,
        id: Path<Id<TicketId>>,
    ) -> Result<Json<TicketBody>, Documented<TicketProblems>> {
        let found = find_ticket(&self.0.db, (caller.0.user, id.0.0)).await;
        let ticket = found.map_err(Problem::from)?.ok_or(Code::NotFound)?;
        Ok(Json(TicketBody::of(ticket, None, self.0.clock.now())))
    }

    /// Revoke a ticket
    #[oai(
        path = "/tickets/:id",
        method = "delete",
        operation_id = "revoke_ticket"
    )]
    async fn revoke(
        &self,
        caller: CurrentUser,
        id: Path<Id<TicketId>>,
        idempotent: IdempotentRequest,
    ) -> Result<Revoked, Documented<TicketProblems>> {
        let on = idempotent.on(&self.0.db, |()| Revoked::Done);
        let whose = (caller.0.user, id.0.0);
        let revoked = revoke_ticket(&on, whose, self.0.clock.now()).await;
        revoked.map_err(Problem::from)?;
        Ok(Revoked::Done)
    }
}

/// Returns a new secret: 244 random bits.
fn new_secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}
