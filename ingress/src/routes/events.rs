//! The feed of events: page by page, waiting for the next one, or as a stream.

use std::sync::Arc;
use std::time::Duration;

use domain::{Access, DocumentId, Timestamp, UserId};
use ledger::{FeedError, FeedPage, FeedPosition, FeedRequest, feed_end, read_feed};
use poem::Request;
use poem_openapi::param::{Header, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi, ResponseContent};
use tokio::time::{Instant, timeout_at};

use super::event_stream::{CommentsOf, EventStream, FeedReader};
use crate::auth::{CurrentUser, Session};
use crate::capacity::Ticket;
use crate::dto::{CursorText, EventPageBody, EventTypesText, FeedCursors, Id, read_types};
use crate::http::{SendsComments, prefers};
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::service::Service;
use crate::waiting::EventWatch;

problem_sets! {
    /// Reading a feed.
    FeedProblems { Unauthorized, NotFound, CursorExpired, Invalid }
}

/// Events of a page by default.
const DEFAULT_LIMIT: u32 = 100;
/// Bytes of what the events of a page tell of.
const BYTES: u32 = 1 << 20;

#[derive(ResponseContent)]
enum EventContent {
    /// As a page.
    Page(Json<EventPageBody>),
    /// As a stream.
    Stream(EventStream),
}

#[derive(ApiResponse)]
enum Read {
    /// The events; with `Accept: text/event-stream` as they happen.
    #[oai(status = 200)]
    Events(EventContent),
}

impl From<FeedError> for Problem {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Database(error) => error.into(),
            FeedError::Expired => Code::CursorExpired.into(),
            FeedError::NoOwner => Code::NotFound.into(),
        }
    }
}

/// The route of the feed.
#[derive(Clone, Debug)]
pub struct EventRoutes {
    /// The service that all handlers share.
    pub service: Service,
    /// Wakes who waits for events.
    pub events: EventWatch,
}

#[OpenApi(prefix_path = "/v1", tag = "Group::Events")]
impl EventRoutes {
    /// Read events
    ///
    /// What happened to your documents, operations, uploads and tickets, in the order in which it was
    /// committed. Whoever goes on with `next_cursor` misses no event and sees none twice. A page may
    /// have fewer events than there are. With `Accept: text/event-stream` the events are streamed as
    /// they happen (server-sent events); `limit` and `wait` are ignored then.
    #[oai(path = "/events", method = "get", operation_id = "read_events")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each parameter of the operation is one"
    )]
    async fn read(
        &self,
        caller: CurrentUser,
        request: &Request,
        /// The `next_cursor` of an earlier page, or `now`; without it, from the oldest event that is
        /// kept.
        after: Query<Option<CursorText>>,
        /// Types, as a comma list; all by default.
        types: Query<Option<EventTypesText>>,
        /// Only events of this document.
        document_id: Query<Option<Id<DocumentId>>>,
        /// Events per page at most, 100 by default.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
        limit: Query<Option<u32>>,
        /// Seconds to wait for an event if there is none.
        #[oai(validator(minimum(value = "0"), maximum(value = "60")))]
        wait: Query<Option<u32>>,
        /// The owner of the events; admins may name another user.
        owner: Query<Option<Id<UserId>>>,
        /// The `id` of the last event of an earlier stream; counts instead of `after`.
        #[oai(name = "Last-Event-ID")]
        last_event_id: Header<Option<String>>,
    ) -> Result<Read, Documented<FeedProblems>> {
        let owner = owner.0.map_or(caller.0.user, |id| id.0);
        if caller.0.may_read(owner, Some(owner)) == Access::Hidden {
            return Err(Code::NotFound.into());
        }
        let types = types.0.map(|text| read_types(&text.0)).transpose()?;
        let place = self
            .place(owner, after.0, last_event_id_of(request, last_event_id.0)?)
            .await?;
        let feed = FeedRequest {
            owner,
            after: place,
            types,
            document: document_id.0.map(|id| id.0),
            limit: limit.0.unwrap_or(DEFAULT_LIMIT),
            bytes: BYTES,
        };
        // Browsers' event sources accept nothing else.
        let wants_stream = prefers(request.headers(), "text/event-stream", "application/json");
        let content = if wants_stream {
            EventContent::Stream(self.stream(request, caller.0.user, feed).await?)
        } else {
            let wait = Duration::from_secs(wait.0.unwrap_or_default().into());
            let page = self.poll(caller.0.user, feed, wait).await?;
            EventContent::Page(Json(shown(owner, page)))
        };
        Ok(Read::Events(content))
    }
}

impl EventRoutes {
    /// Where a feed begins; `None` for the oldest event.
    async fn place(
        &self,
        owner: UserId,
        after: Option<CursorText>,
        last_event_id: Option<String>,
    ) -> Result<Option<FeedPosition>, Problem> {
        let cursors = FeedCursors::of(owner);
        match (last_event_id.filter(|id| !id.is_empty()), after) {
            (Some(id), _) => cursors.read(&id, "Last-Event-ID").map(Some),
            (None, Some(CursorText(now))) if now == "now" => {
                Ok(Some(feed_end(&self.service.db, owner).await?))
            }
            (None, Some(CursorText(cursor))) => cursors.read(&cursor, "after").map(Some),
            (None, None) => Ok(None),
        }
    }

    async fn stream(
        &self,
        request: &Request,
        caller: UserId,
        feed: FeedRequest,
    ) -> Result<EventStream, Problem> {
        let seat = self.service.capacity.admit_reader(caller)?;
        // What can't be read is refused before the answer begins.
        let first = FeedRequest {
            limit: 1,
            ..feed.clone()
        };
        let db = self.service.db.clone();
        let events = self.events.join(feed.owner);
        read_feed(&db, &first).await?;
        let reader = FeedReader {
            db,
            request: feed,
            events,
            _seat: seat,
            end: (credential_end(request), Arc::clone(&self.service.clock)),
            ticket: Ticket::of(request).cloned(),
        };
        let comments = match request.data::<SendsComments>() {
            Some(SendsComments) => CommentsOf::Connection,
            None => CommentsOf::Stream,
        };
        Ok(reader.stream(comments))
    }

    /// Reads a page, and waits for its first event.
    async fn poll(
        &self,
        caller: UserId,
        mut feed: FeedRequest,
        wait: Duration,
    ) -> Result<FeedPage, Problem> {
        if wait.is_zero() {
            return Ok(read_feed(&self.service.db, &feed).await?);
        }
        let _seat = self.service.capacity.admit_reader(caller)?;
        let end = Instant::now() + wait;
        // Registered before the first query, so that no event is missed.
        let mut events = self.events.join(feed.owner);
        loop {
            events.mark();
            let page = read_feed(&self.service.db, &feed).await?;
            let is_over = events.is_closed() || Instant::now() >= end;
            if !page.events.is_empty() || is_over {
                return Ok(page);
            }
            feed.after = Some(page.next);
            if page.is_end {
                // At the end of the time the feed is read once more.
                let _ = timeout_at(end, events.moved()).await;
            }
        }
    }
}

fn shown(owner: UserId, page: FeedPage) -> EventPageBody {
    let cursors = FeedCursors::of(owner);
    EventPageBody {
        next_cursor: cursors.write(page.next),
        items: page
            .events
            .into_iter()
            .map(|event| cursors.event(event))
            .collect(),
    }
}

/// The cursor in `Last-Event-ID`. What isn't text would be taken for no field at all, and the feed would
/// begin anew.
fn last_event_id_of(request: &Request, read: Option<String>) -> Result<Option<String>, Problem> {
    let field = request.headers().get("last-event-id");
    if field.is_some_and(|field| field.to_str().is_err()) {
        let wrong = "is not a cursor of this feed";
        return Err(Problem::invalid_field("Last-Event-ID", wrong));
    }
    Ok(read)
}

/// When the key or token of a request ends, if it does.
fn credential_end(request: &Request) -> Option<Timestamp> {
    let session = request.data::<Session>();
    session.and_then(Session::admitted)?.account.expires_at
}
