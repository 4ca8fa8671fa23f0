//! The HTTP client: connections, timeouts and retries. Knows no service.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, request};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{sleep, timeout};
use url::Url;

use super::pieces::Pieces;
use crate::StorageError;

/// The connect timeout.
const CONNECT: Duration = Duration::from_secs(5);

/// The timeout to the start of a response, including sending a part of 8 MiB.
const ANSWER: Duration = Duration::from_mins(1);

/// The timeout of a server-side copy.
pub(crate) const COPY: Duration = Duration::from_mins(10);

/// How long idle connections are kept: less than services keep them.
const IDLE: Duration = Duration::from_secs(20);

/// The tries of a request.
const ATTEMPTS: u32 = 4;

/// The pause before the second try; doubled before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The longest pause between tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Any error.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A response whose body hasn't been read.
pub(crate) type Response = http::Response<Incoming>;

/// A request, which may be sent several times. Its headers may have secrets.
#[derive(Clone)]
pub(crate) struct Call {
    /// What it does, as a verb for errors.
    pub action: &'static str,
    method: Method,
    url: Url,
    headers: Vec<(&'static str, String)>,
    body: Pieces,
    patience: Duration,
}

impl Call {
    /// A request without a body.
    pub(crate) fn new(action: &'static str, method: Method, url: Url) -> Self {
        Self {
            action,
            method,
            url,
            headers: Vec::new(),
            body: Pieces::default(),
            patience: ANSWER,
        }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets the body.
    pub(crate) fn body(mut self, body: impl Into<Pieces>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets how long a response may take.
    pub(crate) fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Where it is sent.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The error of this request.
    pub(crate) fn failed(&self, source: impl Into<BoxError>) -> StorageError {
        StorageError::Unavailable {
            action: self.action,
            source: source.into(),
        }
    }

    fn request(&self) -> Result<Request<Pieces>, BoxError> {
        let mut request = Request::new(self.body.clone());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.url.as_str().parse()?;
        if matches!(self.method, Method::PUT | Method::POST) {
            // Services want it even where it is 0.
            let length = HeaderValue::from(self.body.length());
            request.headers_mut().insert(CONTENT_LENGTH, length);
        }
        for (name, value) in &self.headers {
            let name = HeaderName::from_static(name);
            request
                .headers_mut()
                .insert(name, HeaderValue::from_str(value)?);
        }
        Ok(request)
    }
}

/// Adds credentials to a request, anew for each try.
#[async_trait]
pub(crate) trait Authorize: Sync {
    /// Changes the head of a request with a body of `length` bytes. If that fails, the request does:
    /// whatever is asked for credentials is asked several times already.
    async fn authorize(&self, head: &mut request::Parts, length: usize) -> Result<(), BoxError>;

    /// Takes note that the service answered 401 to a request with this `Authorization`. Returns
    /// whether the next one may have another.
    fn drop_refused(&self, _: &HeaderValue) -> bool {
        false
    }
}

/// A pool of connections to any number of servers.
#[derive(Clone, Debug)]
pub(crate) struct HttpClient {
    sender: Client<HttpsConnector<HttpConnector>, Pieces>,
}

impl HttpClient {
    /// Creates a client that trusts the certificates of the system (or of `SSL_CERT_FILE`).
    pub(crate) fn new() -> io::Result<Self> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()?
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let sender = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Ok(Self { sender })
    }

    /// Sends `call`, again if there was no answer or one that says so, and once more if credentials
    /// that can be replaced were refused. Returns the last answer, whatever its status. Redirects are
    /// not followed.
    pub(crate) async fn send(
        &self,
        call: &Call,
        credentials: &dyn Authorize,
    ) -> Result<Response, StorageError> {
        let (mut attempt, mut is_replaced) = (1, false);
        loop {
            let request = authorized(call, credentials).await?;
            let authorization = request.headers().get(AUTHORIZATION).cloned();
            let outcome = self.exchange(call, request).await;
            let asked = match &outcome {
                Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED && !is_replaced => {
                    is_replaced = true;
                    if authorization.is_some_and(|refused| credentials.drop_refused(&refused)) {
                        continue;
                    }
                    return outcome;
                }
                Ok(answer) if !is_transient(answer.status()) => return outcome,
                Ok(answer) => retry_after(answer),
                Err(_) => None,
            };
            if attempt == ATTEMPTS {
                return outcome;
            }
            pause(attempt, asked).await;
            attempt += 1;
        }
    }

    /// Sends `call` once.
    pub(crate) async fn send_once(
        &self,
        call: &Call,
        credentials: &dyn Authorize,
    ) -> Result<Response, StorageError> {
        let request = authorized(call, credentials).await?;
        self.exchange(call, request).await
    }

    async fn exchange(
        &self,
        call: &Call,
        request: Request<Pieces>,
    ) -> Result<Response, StorageError> {
        match timeout(call.patience, self.sender.request(request)).await {
            Ok(answer) => answer.map_err(|error| call.failed(error)),
            Err(elapsed) => Err(call.failed(elapsed)),
        }
    }
}

async fn authorized(
    call: &Call,
    credentials: &dyn Authorize,
) -> Result<Request<Pieces>, StorageError> {
    let request = call.request().map_err(|error| call.failed(error))?;
    let (mut head, body) = request.into_parts();
    let authorized = credentials.authorize(&mut head, call.body.length()).await;
    authorized.map_err(|error| call.failed(error))?;
    Ok(Request::from_parts(head, body))
}

/// Waits after the failed try with this number, from 1: twice as long after each, with jitter, or
/// as long as the service asks, within bounds.
async fn pause(attempt: u32, asked: Option<Duration>) {
    let usual = FIRST_PAUSE.saturating_mul(1 << attempt.saturating_sub(1).min(8));
    let pause = asked.unwrap_or(usual).min(LONGEST_PAUSE);
    // Any hasher with random keys is a source of randomness.
    let random = RandomState::new().build_hasher().finish() % 1_000;
    let share = u32::try_from(random).unwrap_or_default();
    sleep(pause / 2 + pause.saturating_mul(share) / 2_000).await;
}

fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?;
    seconds.parse().ok().map(Duration::from_secs)
}
