//! Requests to the issuers that the operator has configured: bounded in time and bytes, and led nowhere
//! else by redirects. An issuer may well be at an internal address, so addresses aren't checked.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// The size limit of an answer; a set of a hundred keys is a fraction of it.
const MAX_BYTES: usize = 256 << 10;

/// An answer, whatever its status.
#[derive(Debug)]
pub(crate) struct IssuerAnswer {
    /// Its status.
    pub(crate) status: StatusCode,
    /// Its body.
    pub(crate) body: Bytes,
}

/// A request without an answer. Never shows the URL, which may contain credentials.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IssuerUnreachable {
    /// The certificates of this system can't be read.
    #[error("the certificates of the system could not be read")]
    Certificates(#[source] std::io::Error),
    /// The request failed.
    #[error("the request failed")]
    Request(#[source] hyper_util::client::legacy::Error),
    /// The answer broke off, or is too long.
    #[error("the answer broke off, or is too long")]
    Answer(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It took too long.
    #[error("there was no answer in time")]
    Timeout,
}

/// Sends a request and returns the answer, within this time.
pub(crate) async fn ask_issuer(
    request: Request<Full<Bytes>>,
    within: Duration,
) -> Result<IssuerAnswer, IssuerUnreachable> {
    let asked = tokio::time::timeout(within, ask(request)).await;
    asked.map_err(|_| IssuerUnreachable::Timeout)?
}

async fn ask(request: Request<Full<Bytes>>) -> Result<IssuerAnswer, IssuerUnreachable> {
    let roots = HttpsConnectorBuilder::new()
        .with_native_roots()
        .map_err(IssuerUnreachable::Certificates)?;
    let connector = roots.https_or_http().enable_http1().build();
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let response = client.request(request).await;
    let response = response.map_err(IssuerUnreachable::Request)?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_BYTES)
        .collect()
        .await
        .map_err(IssuerUnreachable::Answer)?;
    Ok(IssuerAnswer {
        status,
        body: body.to_bytes(),
    })
}
