//! Readers of feeds: page by page, or as a stream.

use std::error::Error;
use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use h2::client::SendRequest;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use crate::app::Client;
use crate::http2::connect_from;

/// How long a stream may be silent: it sends a comment every 15 s.
const SILENCE: Duration = Duration::from_mins(1);

/// All events behind a cursor, or all that are kept, and the cursor behind them.
pub async fn whole(client: &Client, after: Option<&str>) -> (Vec<Value>, String) {
    let mut after = after.map(str::to_owned);
    let mut events = Vec::new();
    loop {
        let from = after.map_or(String::new(), |cursor| format!("&after={cursor}"));
        let page = client.get(&format!("/v1/events?limit=100{from}")).await;
        let page = page.expecting(200);
        let items = page["items"].as_array().expect("a page has items");
        let next = text(&page["next_cursor"]);
        if items.is_empty() {
            return (events, next);
        }
        events.extend(items.iter().cloned());
        after = Some(next);
    }
}

/// The types of events.
#[must_use]
pub fn types(events: &[Value]) -> Vec<&str> {
    let types = events.iter().map(|event| event["type"].as_str());
    types.map(Option::unwrap_or_default).collect()
}

/// An owned text.
#[must_use]
pub fn text(value: &Value) -> String {
    value.as_str().expect("it is a text").to_owned()
}

/// An event of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Streamed {
    /// `id`: the cursor.
    pub id: String,
    /// `event`: the type.
    pub kind: String,
    /// `data`.
    pub data: Value,
}

/// Where the bytes of a stream come from.
#[derive(Debug)]
enum Source {
    Response(Box<Response>),
    /// A stream of a connection that others may share.
    Http2(RecvStream),
}

/// How a stream broke off.
pub type Broken = Box<dyn Error + Send + Sync>;

/// An HTTP/2 connection of many streams.
#[derive(Clone, Debug)]
pub struct Connection(SendRequest<Bytes>);

/// A stream that was opened.
#[derive(Debug)]
pub struct Stream {
    status: StatusCode,
    source: Source,
    rest: String,
    /// The comments that were seen.
    pub comments: usize,
}

fn request(client: &Client, query: &str, last: Option<&str>) -> RequestBuilder {
    let request = client.request(Method::GET, &format!("/v1/events{query}"));
    let request = request.header("accept", "text/event-stream");
    match last {
        Some(last) => request.header("last-event-id", last),
        None => request,
    }
}

impl Connection {
    /// Connects to the API at `api`.
    pub async fn to(api: &str) -> Self {
        let socket = connect_from(Ipv4Addr::LOCALHOST, api).await;
        let handshake = h2::client::handshake(socket).await;
        let (sender, connection) = handshake.expect("the service speaks HTTP/2");
        tokio::spawn(connection);
        Self(sender)
    }

    /// Opens one more stream.
    pub async fn open(&self, client: &Client, query: &str, last: Option<&str>) -> Stream {
        let asked = request(client, query, last);
        let asked = asked.build().expect("the request is whole");
        let mut request = http::Request::get(asked.url().as_str());
        for (name, value) in asked.headers() {
            request = request.header(name, value);
        }
        let request = request.body(()).expect("the request is whole");
        let sender = self.0.clone().ready().await;
        let mut sender = sender.expect("the connection is open");
        let (answer, _) = sender
            .send_request(request, true)
            .expect("a stream can be opened");
        let answer = answer.await.expect("the service answers");
        assert_eq!(answer.status(), StatusCode::OK);
        Stream {
            status: answer.status(),
            source: Source::Http2(answer.into_body()),
            rest: String::new(),
            comments: 0,
        }
    }
}

impl Source {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Broken> {
        match self {
            Self::Response(response) => Ok(response.chunk().await?),
            Self::Http2(stream) => {
                let chunk = stream.data().await.transpose()?;
                if let Some(chunk) = &chunk {
                    stream.flow_control().release_capacity(chunk.len())?;
                }
                Ok(chunk)
            }
        }
    }
}

impl Stream {
    /// Asks for a stream, behind the last event of another one.
    pub async fn try_open(
        client: &Client,
        query: &str,
        last: Option<&str>,
    ) -> Result<Self, reqwest::Error> {
        let response = request(client, query, last).send().await?;
        Ok(Self {
            status: response.status(),
            source: Source::Response(Box::new(response)),
            rest: String::new(),
            comments: 0,
        })
    }

    /// The same of a service that answers with a stream.
    pub async fn open(client: &Client, query: &str, last: Option<&str>) -> Self {
        let stream = Self::try_open(client, query, last).await;
        let stream = stream.expect("the service answers");
        assert_eq!(stream.status(), StatusCode::OK);
        if let Source::Response(response) = &stream.source {
            let kind = response.headers().get("content-type");
            assert_eq!(kind.expect("it has a type"), "text/event-stream");
        }
        stream
    }

    /// The status of the answer.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The next event; `None` at an orderly end.
    pub async fn try_next(&mut self) -> Result<Option<Streamed>, Broken> {
        while let Some(block) = self.block().await? {
            if let Some(event) = read(&block) {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// The next event, comment or id; `None` at an orderly end.
    async fn block(&mut self) -> Result<Option<String>, Broken> {
        loop {
            if let Some((block, rest)) = self.rest.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.comments += usize::from(block.starts_with(':'));
                self.rest = rest;
                return Ok(Some(block));
            }
            let chunk = tokio::time::timeout(SILENCE, self.source.chunk()).await;
            match chunk.expect("a stream is never silent for long")? {
                Some(chunk) => self.rest.push_str(&String::from_utf8_lossy(&chunk)),
                None => return Ok(None),
            }
        }
    }

    /// Waits until a stream without events has sent so many comments.
    pub async fn is_idle_for(&mut self, comments: usize) {
        let until = self.comments + comments;
        while self.comments < until {
            let block = self.block().await.expect("the stream isn't broken off");
            let block = block.expect("the stream goes on");
            assert!(read(&block).is_none(), "{block}");
        }
    }

    /// Waits until a stream without events tells how far it is.
    pub async fn is_at(&mut self) -> String {
        loop {
            let block = self.block().await.expect("the stream isn't broken off");
            let block = block.expect("the stream goes on");
            assert!(read(&block).is_none(), "{block}");
            if let Some(id) = block.strip_prefix("id: ") {
                return id.to_owned();
            }
        }
    }

    /// The next event of a stream that goes on.
    pub async fn next(&mut self) -> Streamed {
        let event = self.try_next().await.expect("the stream isn't broken off");
        event.expect("the stream goes on")
    }

    /// Waits for the orderly end of the stream.
    pub async fn ends(mut self) {
        let end = self.try_next().await.expect("it ends in order");
        assert_eq!(end, None);
    }
}

/// An event from its lines; `None` of a comment, or an id alone.
fn read(block: &str) -> Option<Streamed> {
    let field = |name: &str| {
        let mut lines = block.lines();
        let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.map(str::to_owned)
    };
    let data = field("data")?;
    Some(Streamed {
        id: field("id").expect("an event has an id"),
        kind: field("event").expect("an event has a type"),
        data: domain::read_json(data.as_bytes()).expect("the data is JSON"),
    })
}
