//! Sends requests, again where that is safe.

use std::time::Duration;

use http::Request;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, HeaderValue, USER_AGENT};
use serde::de::DeserializeOwned;
use tokio::time::sleep;

use super::body::{Body, Moved, whole};
use super::{Answer, Call, pause};
use crate::{Client, Error};

/// How the client names itself.
const NAME: HeaderValue =
    HeaderValue::from_static(concat!("dossier-client/", env!("CARGO_PKG_VERSION")));

impl Client {
    /// Sends `call`, again if another try may succeed: reads change nothing, and the other requests
    /// carry an idempotency key. Returns a successful answer.
    pub(crate) async fn send(&self, call: Call) -> Result<Answer, Error> {
        let mut attempt = 1;
        loop {
            let body = whole(call.body.clone());
            let length = call.body.len() as u64;
            let sent = self.send_once(&call, body, length, &Moved::default()).await;
            match sent {
                Err(error) if error.is_transient() && attempt < self.inner.attempts => {
                    pause(attempt, error.retry_after()).await;
                    attempt += 1;
                }
                sent => return sent,
            }
        }
    }

    /// Sends `call`, and reads the answer as JSON.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        let mut attempt = 1;
        loop {
            let answer = self.send(call.clone()).await?.json().await;
            match answer {
                Err(error) if error.is_transient() && attempt < self.inner.attempts => {
                    pause(attempt, None).await;
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }

    /// Sends `call` once, with a body of `length` bytes whose progress is told by `moved`.
    pub(crate) async fn send_once(
        &self,
        call: &Call,
        body: Body,
        length: u64,
        moved: &Moved,
    ) -> Result<Answer, Error> {
        let request = self.request(call, body, length)?;
        let patience = self.inner.patience + call.waits;
        let sending = self.inner.transport.send(request);
        let answered = tokio::select! {
            answered = sending => answered,
            () = stands_still(moved, patience) => {
                return Err(Error::TimedOut { request: call.describe(), patience });
            }
        };
        match answered {
            Ok(response) => {
                let answer = Answer::new(response, call.describe(), self.inner.patience);
                answer.successful().await
            }
            Err(source) => Err(Error::Unreachable {
                request: call.describe(),
                source: source.into(),
            }),
        }
    }

    fn request(&self, call: &Call, body: Body, length: u64) -> Result<Request<Body>, Error> {
        let mut url = call.url(&self.inner.base);
        if let Some(owner) = self.owner.filter(|_| call.method.is_safe()) {
            url.query_pairs_mut()
                .append_pair("owner", &owner.to_string());
        }
        let uri = url.as_str().parse();
        let mut request = Request::new(body);
        *request.uri_mut() = uri.map_err(|_| Error::BadUrl(url.to_string()))?;
        *request.method_mut() = call.method.clone();
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, NAME);
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.extend(call.headers.clone());
        if !call.method.is_safe() {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        if let Some(authorization) = &self.inner.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        Ok(request)
    }
}

/// Waits until nothing has moved for as long as `patience`.
async fn stands_still(moved: &Moved, patience: Duration) {
    let mut before = moved.count();
    loop {
        sleep(patience).await;
        let now = moved.count();
        if now == before {
            return;
        }
        before = now;
    }
}
