//! Access tokens, kept until shortly before they expire.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::client::BoxError;

/// How long before its end a token is replaced.
const EARLY: Duration = Duration::from_mins(5);

/// An access token.
#[derive(Clone)]
pub(crate) struct Token {
    /// Sent as `Authorization: Bearer`.
    pub secret: String,
    /// When it expires.
    pub until: Instant,
}

/// The latest token of a source; one request at a time fetches the next.
#[derive(Default)]
pub(crate) struct CachedToken(Mutex<Option<Token>>);

impl CachedToken {
    /// Returns the token, from `fetch` if the latest expires soon. If that fails, the latest one is
    /// used as long as it lasts.
    pub(crate) async fn get(
        &self,
        fetch: impl Future<Output = Result<Token, BoxError>>,
    ) -> Result<String, BoxError> {
        let mut latest = self.0.lock().await;
        let now = Instant::now();
        if let Some(token) = &*latest
            && token.until > now + EARLY
        {
            return Ok(token.secret.clone());
        }
        match (fetch.await, &*latest) {
            (Ok(token), _) => {
                let secret = token.secret.clone();
                *latest = Some(token);
                Ok(secret)
            }
            (Err(error), Some(token)) if token.until > now => {
                tracing::warn!(%error, "failed to renew a storage token; using the old one");
                Ok(token.secret.clone())
            }
            (Err(error), _) => Err(error),
        }
    }
}

impl std::fmt::Debug for CachedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CachedToken")
    }
}
