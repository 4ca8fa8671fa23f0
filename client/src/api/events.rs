//! Events as they happen. A request waits at the service until there is one.

use std::collections::VecDeque;

use futures::StreamExt as _;
use futures::stream;
use uuid::Uuid;

use super::Items;
use crate::http::Call;
use crate::types::{Event, EventPage};
use crate::{Client, Error};

/// How long a request waits for events.
const WAIT: u64 = 30;

/// Which events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Those after this cursor; `now` for those to come; by default from the oldest kept.
    pub after: Option<String>,
    /// Those of these types, such as `document.activated`; by default all.
    pub types: Vec<String>,
    /// Those of this document.
    pub document: Option<Uuid>,
}

/// Where a stream of events is.
struct Reading {
    client: Client,
    call: Call,
    after: Option<String>,
    read: VecDeque<Event>,
}

impl Client {
    /// A page of events, with the cursor at which to go on; waits up to 60 s for the first of them.
    pub async fn event_page(&self, query: &EventQuery, wait: u64) -> Result<EventPage, Error> {
        let call = of(query).wait(wait);
        self.ask(match &query.after {
            Some(after) => call.query("after", after),
            None => call,
        })
        .await
    }

    /// Events as they happen, without an end, in the order of their commit.
    #[must_use]
    pub fn events(&self, query: &EventQuery) -> Items<Event> {
        let reading = Reading {
            client: self.clone(),
            call: of(query).wait(WAIT),
            after: query.after.clone(),
            read: VecDeque::new(),
        };
        stream::try_unfold(reading, |mut reading: Reading| async move {
            let event = reading.next().await?;
            Ok(Some((event, reading)))
        })
        .boxed()
    }
}

impl Reading {
    async fn next(&mut self) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.read.pop_front() {
                return Ok(event);
            }
            let call = self.call.clone();
            let call = match &self.after {
                Some(after) => call.query("after", after),
                None => call,
            };
            let page: EventPage = self.client.ask(call).await?;
            self.after = Some(page.next_cursor);
            self.read = page.items.into();
        }
    }
}

fn of(query: &EventQuery) -> Call {
    let mut call = Call::get(&["v1", "events"]);
    if !query.types.is_empty() {
        call = call.query("types", query.types.join(","));
    }
    if let Some(document) = query.document {
        call = call.query("document_id", document);
    }
    call
}
