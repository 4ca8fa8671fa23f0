//! A feed as server-sent events (HTML, section 9.2): goes on until the client leaves, its credential
//! ends or is revoked, or the process stops.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::{Clock, Timestamp};
use ledger::{Database, FeedError, FeedPosition, FeedRequest, read_feed};
use poem::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use poem::{Body, IntoResponse, Response};
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::ToJSON;
use tokio::time::{Instant, sleep, sleep_until};

use crate::capacity::{Taken, Ticket};
use crate::dto::FeedCursors;
use crate::http::COMMENT_EVERY;
use crate::waiting::EventReader;
use beat::beat_within;

/// Events of one query, and bytes of what they tell of.
const EVENTS: u32 = 100;
const BYTES: u32 = 64 << 10;
/// Memory that a query may take: JSON of twice the bytes, and the last event.
const MEMORY: u64 = 256 << 10;
/// How often a stream tells how far it is, if others' events alone moved it on.
const ID_EVERY: Duration = Duration::from_secs(15);
/// How often it is looked at least whether a credential has ended: clocks are set.
const LOOK: Duration = Duration::from_mins(1);
/// The pause after a failed query.
const PAUSE: Duration = Duration::from_millis(500);

/// Asks proxies to pass on events as they come.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The answer: events as they happen.
pub(super) struct EventStream(Body);

impl Payload for EventStream {
    const CONTENT_TYPE: &'static str = "text/event-stream";

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            description: Some(
                "Events as they happen: `id` is the cursor, `event` the type, `data` the event as one \
                 line of JSON. A block that has only an `id` tells how far the stream is. A comment every \
                 15 s.",
            ),
            ..MetaSchema::new("string")
        }))
    }

    fn register(_: &mut Registry) {}
}

impl IntoResponse for EventStream {
    fn into_response(self) -> Response {
        let no = HeaderValue::from_static("no");
        Response::builder()
            .header(CONTENT_TYPE, Self::CONTENT_TYPE)
            .header(CACHE_CONTROL, "no-store")
            .header(UNBUFFERED, no)
            .body(self.0)
    }
}

/// A reader of a feed, between its queries.
pub(super) struct FeedReader {
    /// The ledger.
    pub(super) db: Database,
    /// Whose events, of which types, and behind which place.
    pub(super) request: FeedRequest,
    /// How it is told of events.
    pub(super) events: EventReader,
    /// Its place among the readers of the process.
    pub(super) _seat: Taken,
    /// When its credential ends, if it does, by which clock.
    pub(super) end: (Option<Timestamp>, Arc<dyn Clock>),
    /// The request in flight, whose memory it takes; `None` without a connection.
    pub(super) ticket: Option<Ticket>,
}

/// Who sends the comments of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommentsOf {
    /// The stream itself: other streams have the same connection.
    Stream,
    /// Its connection, which costs less.
    Connection,
}

/// What a query found.
struct Found {
    /// The events, as text; `None` if there were none.
    text: Option<Bytes>,
    /// The place behind the last of them.
    last: Option<FeedPosition>,
    /// Whether there were no more.
    is_end: bool,
}

/// The state of a stream.
struct Streaming {
    reader: FeedReader,
    /// Whether the answer has begun.
    begun: bool,
    /// Whether there may be events that weren't read.
    due: bool,
    /// `None` if the connection sends comments.
    next_comment: Option<Instant>,
    /// The last id that was sent: a client that comes back goes on there.
    told: Option<FeedPosition>,
    /// No id is sent before, except an event's.
    next_id: Instant,
}

impl FeedReader {
    /// Streams the feed. Comments are either the stream's own or its connection's.
    pub(super) fn stream(mut self, comments: CommentsOf) -> EventStream {
        self.request.limit = EVENTS;
        self.request.bytes = BYTES;
        let state = Streaming {
            reader: self,
            begun: false,
            due: true,
            next_comment: match comments {
                CommentsOf::Stream => Some(beat_within(COMMENT_EVERY)),
                CommentsOf::Connection => None,
            },
            told: None,
            next_id: Instant::now(),
        };
        let chunks = futures::stream::unfold(state, |mut state| async move {
            let chunk = state.next().await?;
            Some((Ok::<_, io::Error>(chunk), state))
        });
        EventStream(Body::from_bytes_stream(chunks))
    }

    /// Whether nobody may read any more.
    fn is_over(&self) -> bool {
        let (end, clock) = &self.end;
        self.events.is_closed() || end.is_some_and(|end| end <= clock.now())
    }

    /// When to look at the end of its credential, if it has one.
    fn next_look(&self) -> Option<Instant> {
        let (end, clock) = &self.end;
        let left = end.as_ref()?.since(clock.now());
        Some(beat_within(left.min(LOOK)))
    }

    /// Reads the next events.
    async fn read(&mut self) -> Result<Found, FeedError> {
        // Taken before they are read, so that readers who are woken together take turns.
        let memory = match &self.ticket {
            None => None,
            Some(ticket) => loop {
                if let Ok(memory) = ticket.hold_answer(MEMORY).await {
                    break Some(memory);
                }
            },
        };
        let page = read_feed(&self.db, &self.request).await?;
        self.request.after = Some(page.next);
        let last = page.events.last().map(|event| event.position);
        let cursors = FeedCursors::of(self.request.owner);
        let mut text = String::new();
        for event in page.events {
            let event = cursors.event(event);
            let (id, kind) = (event.id.as_str(), event.r#type.0.as_str());
            let json = event.to_json_string();
            text.extend([
                "id: ",
                id,
                "\nevent: ",
                kind,
                "\ndata: ",
                json.as_str(),
                "\n\n",
            ]);
        }
        let text = (!text.is_empty()).then(|| Bytes::from(text));
        let text = text.map(|text| match memory {
            Some(memory) => memory.around(text),
            None => text,
        });
        Ok(Found {
            text,
            last,
            is_end: page.is_end,
        })
    }
}

impl Streaming {
    /// The next chunk; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if !std::mem::replace(&mut self.begun, true) {
            return Some(Bytes::from_static(b": events\n\n"));
        }
        loop {
            if self.reader.is_over() {
                return None;
            }
            if self.due {
                self.reader.events.mark();
                // Boxed: who waits for events keeps no room for a query.
                match Box::pin(self.reader.read()).await {
                    Ok(found) => {
                        self.due = !found.is_end;
                        if found.text.is_some() {
                            self.has_told(found.last);
                            return found.text;
                        }
                    }
                    // A client that comes back learns why.
                    Err(FeedError::Expired | FeedError::NoOwner) => return None,
                    Err(FeedError::Database(error)) => {
                        tracing::debug!(%error, "failed to read the events of a stream");
                        sleep(PAUSE).await;
                    }
                }
                continue;
            }
            let now = Instant::now();
            if self.id_due().is_some_and(|due| due <= now) {
                return self.id();
            }
            if self.next_comment.is_some_and(|due| due <= now) {
                self.next_comment = Some(beat_within(COMMENT_EVERY));
                return Some(Bytes::from_static(b":\n\n"));
            }
            self.wait().await;
        }
    }

    /// Waits until there may be an event, or something else is to be done.
    async fn wait(&mut self) {
        let dues = [self.next_comment, self.id_due(), self.reader.next_look()];
        // Boxed: most streams have none.
        let timer = dues.into_iter().flatten().min();
        let timer = timer.map(|due| Box::pin(sleep_until(due)));
        let is_time = async {
            match timer {
                Some(timer) => timer.await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = self.reader.events.moved() => self.due = true,
            () = is_time => {}
        }
    }

    /// When to send an id without an event; `None` while the client would come back to the right place.
    /// Otherwise the events of others that it has passed would make its last id expire.
    fn id_due(&self) -> Option<Instant> {
        (self.told != self.reader.request.after).then_some(self.next_id)
    }

    /// A block without data, of which clients keep the id (HTML, section 9.2.6).
    fn id(&mut self) -> Option<Bytes> {
        let place = self.reader.request.after?;
        self.has_told(Some(place));
        let id = FeedCursors::of(self.reader.request.owner).write(place);
        Some(Bytes::from(format!("id: {id}\n\n")))
    }

    fn has_told(&mut self, place: Option<FeedPosition>) {
        self.told = place;
        self.next_id = beat_within(ID_EVERY);
    }
}
