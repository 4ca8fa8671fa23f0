//! Connections to the service.

use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use rustls::{ClientConfig, RootCertStore};
use url::Url;

use super::Body;

/// The connect timeout.
const CONNECT: Duration = Duration::from_secs(10);

/// How long idle connections are kept: less than servers keep them.
const IDLE: Duration = Duration::from_secs(20);

/// A pool of connections. Redirects are not followed.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    sender: Client<HttpsConnector<HttpConnector>, Body>,
}

impl Transport {
    /// Trusts the certificates of the system (or of `SSL_CERT_FILE`). Without TLS they aren't read:
    /// there may be none.
    pub(crate) fn new(base: &Url) -> Result<Self, crate::Error> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        connector.set_keepalive(Some(Duration::from_mins(1)));
        let builder = HttpsConnectorBuilder::new();
        let builder = if base.scheme() == "https" {
            let trusting = builder.with_native_roots();
            trusting.map_err(crate::Error::Certificates)?
        } else {
            let config = ClientConfig::builder().with_root_certificates(RootCertStore::empty());
            builder.with_tls_config(config.with_no_client_auth())
        };
        let connector = builder
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let sender = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Ok(Self { sender })
    }

    /// Sends a request once.
    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, Error> {
        self.sender.request(request).await
    }
}
