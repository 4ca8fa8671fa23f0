//! Answers: their headers, and their bodies as JSON, problems or chunks.

use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::Error;
use crate::types::Problem;

/// The longest JSON that is read: more than the longest page of any list.
const LONGEST: usize = 64 << 20;

/// An answer whose body hasn't been read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: Incoming,
    request: String,
    patience: Duration,
}

impl Answer {
    /// The answer to `request`; its body may make no progress for as long as `patience`.
    pub(super) fn new(response: Response<Incoming>, request: String, patience: Duration) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status,
            headers: head.headers,
            body,
            request,
            patience,
        }
    }

    /// A header of text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A header that is a number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.trim().parse().ok()
    }

    /// The error of an answer that isn't as described.
    pub(crate) fn unexpected(&self, what: impl Into<String>) -> Error {
        Error::Unexpected {
            request: self.request.clone(),
            status: self.status,
            what: what.into(),
        }
    }

    /// The answer itself if its status says success, else the problem that it tells.
    pub(super) async fn successful(self) -> Result<Self, Error> {
        if self.status.is_success() {
            return Ok(self);
        }
        let retry_after = self.number(RETRY_AFTER.as_str());
        let location = self.header("location").map(str::to_owned);
        let (status, request) = (self.status, self.request.clone());
        let body = self.bytes().await?;
        match read_json::<Problem>(&body) {
            Ok(mut problem) => {
                problem.retry_after = retry_after;
                Err(Error::Refused(Box::new(problem)))
            }
            Err(_) => Err(Error::Unexpected {
                request,
                status,
                what: match location {
                    Some(location) => format!("it leads to {location}"),
                    None => "it has no problem as its body".to_owned(),
                },
            }),
        }
    }

    /// The next bytes of the body; none at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let Ok(frame) = timeout(self.patience, self.body.frame()).await else {
                return Err(Error::TimedOut {
                    request: self.request.clone(),
                    patience: self.patience,
                });
            };
            match frame {
                None => return Ok(None),
                Some(Err(source)) => return Err(self.broken(source)),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    /// The body as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let (status, request) = (self.status, self.request.clone());
        let body = self.bytes().await?;
        read_json(&body).map_err(|error| Error::Unexpected {
            request,
            status,
            what: error.to_string(),
        })
    }

    async fn bytes(self) -> Result<Bytes, Error> {
        let (request, patience) = (self.request, self.patience);
        let reading = Limited::new(self.body, LONGEST).collect();
        match timeout(patience, reading).await {
            Err(_) => Err(Error::TimedOut { request, patience }),
            Ok(Err(source)) => Err(Error::Unreachable { request, source }),
            Ok(Ok(body)) => Ok(body.to_bytes()),
        }
    }

    fn broken(&self, source: hyper::Error) -> Error {
        Error::Unreachable {
            request: self.request.clone(),
            source: source.into(),
        }
    }
}

/// Reads JSON of the service.
#[expect(
    clippy::disallowed_methods,
    reason = "the service lets no reserved name in, and a client of its own has no crates of the service"
)]
pub(crate) fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(body)
}
