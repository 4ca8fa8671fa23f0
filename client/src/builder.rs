//! The client itself: where the service is, with which key, and how patient the client is.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::http::HeaderValue;
use url::Url;
use uuid::Uuid;

use crate::Error;
use crate::http::Transport;

/// Below this size an upload is a single request.
const PLAIN_BELOW: u64 = 8 << 20;

/// The longest body of a request of a resumable upload.
const PIECE: u64 = 64 << 20;

/// The tries of a request.
const ATTEMPTS: u32 = 5;

/// How long a request may make no progress.
const PATIENCE: Duration = Duration::from_mins(1);

/// A client of one service with one key. Clones share its connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
    pub(crate) owner: Option<Uuid>,
}

/// What clones of a client share.
pub(crate) struct Inner {
    pub transport: Transport,
    pub base: Url,
    pub authorization: Option<HeaderValue>,
    pub attempts: u32,
    pub patience: Duration,
    pub plain_below: u64,
    pub piece: u64,
}

/// Builds a client.
#[derive(Clone)]
pub struct ClientBuilder {
    base: String,
    key: Option<String>,
    attempts: u32,
    patience: Duration,
    plain_below: u64,
    piece: u64,
}

impl Client {
    /// A client of the service at `url` with an API key or a token.
    pub fn new(url: &str, key: &str) -> Result<Self, Error> {
        Self::builder(url).key(key).build()
    }

    /// Builds a client of the service at `url`.
    #[must_use]
    pub fn builder(url: &str) -> ClientBuilder {
        ClientBuilder {
            base: url.to_owned(),
            key: None,
            attempts: ATTEMPTS,
            patience: PATIENCE,
            plain_below: PLAIN_BELOW,
            piece: PIECE,
        }
    }

    /// Where the service is.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.inner.base
    }

    /// The same client, for admins: its reads of documents, operations, events and usage are of what
    /// this user owns.
    #[must_use]
    pub fn of_owner(&self, owner: Uuid) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            owner: Some(owner),
        }
    }
}

impl ClientBuilder {
    /// Sets the API key or token.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Sets how often a request is tried; at least once.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Sets how long a request may make no progress.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets the size in bytes below which an upload is a single request.
    #[must_use]
    pub fn plain_below(mut self, size: u64) -> Self {
        self.plain_below = size;
        self
    }

    /// Sets the longest body of a request of a resumable upload, in bytes.
    #[must_use]
    pub fn piece(mut self, size: u64) -> Self {
        self.piece = size.max(1);
        self
    }

    /// Builds the client. Nothing is sent yet.
    pub fn build(self) -> Result<Client, Error> {
        let base = Url::parse(&self.base).map_err(|_| Error::BadUrl(self.base.clone()))?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(Error::BadUrl(self.base));
        }
        let authorization = self.key.map(|key| {
            let value = HeaderValue::from_str(&format!("Bearer {}", key.trim()));
            value.map(|mut value| {
                value.set_sensitive(true);
                value
            })
        });
        Ok(Client {
            inner: Arc::new(Inner {
                transport: Transport::new(&base)?,
                base,
                authorization: authorization.transpose().map_err(|_| Error::BadKey)?,
                attempts: self.attempts,
                patience: self.patience,
                plain_below: self.plain_below,
                piece: self.piece,
            }),
            owner: None,
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Client")
            .field("url", &self.inner.base.as_str())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("ClientBuilder")
            .field("url", &self.base)
            .finish_non_exhaustive()
    }
}
