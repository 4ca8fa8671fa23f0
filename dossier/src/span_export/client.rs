//! The HTTP client of the exporter: the one that the program already has.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

/// The timeout of a request to the collector.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The size limit of the collector's answers.
const MAX_ANSWER: usize = 64 << 10;

type Sender = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Sends on the program's runtime, whichever thread calls.
#[derive(Debug)]
pub struct CollectorClient {
    sender: Sender,
    runtime: Handle,
}

impl CollectorClient {
    /// Creates a client that trusts the system's certificates.
    pub fn new(runtime: &Handle) -> std::io::Result<Self> {
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self {
            sender: Client::builder(TokioExecutor::new()).build(connector),
            runtime: runtime.clone(),
        })
    }
}

#[async_trait]
impl HttpClient for CollectorClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sender = self.sender.clone();
        // The timer also needs the runtime: the caller's thread has none.
        let sending = async move { timeout(TIMEOUT, send(sender, request)).await };
        AbortOnDropHandle::new(self.runtime.spawn(sending)).await??
    }
}

async fn send(sender: Sender, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (parts, body) = sender.request(request.map(Full::new)).await?.into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await?.to_bytes();
    Ok(Response::from_parts(parts, body))
}
