//! Caches the verification keys, and refreshes them at a bounded rate.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{Clock, Timestamp};
use jsonwebtoken::{DecodingKey, Header};
use settings::KeySource;

use super::jwks::{KeySet, KeySetError, fetch};

/// How long a revoked key is trusted at most, while the issuer can be reached.
const MAX_AGE: Duration = Duration::from_mins(10);
/// The least interval between fetches caused by unknown key ids.
const MIN_PAUSE: Duration = Duration::from_secs(30);

/// The keys in memory.
#[derive(Debug)]
pub(super) struct KeyRing {
    source: KeySource,
    clock: Arc<dyn Clock>,
    loaded: Mutex<Option<Loaded>>,
    /// Held during a refresh; the time of the last try.
    refreshing: tokio::sync::Mutex<Option<Timestamp>>,
}

#[derive(Clone, Debug)]
struct Loaded {
    set: Arc<KeySet>,
    at: Timestamp,
}

impl KeyRing {
    /// Loads the keys. An unreachable issuer is not an error: the first token retries.
    pub(super) async fn open(
        source: KeySource,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, KeySetError> {
        let ring = Arc::new(Self {
            source,
            clock,
            loaded: Mutex::default(),
            refreshing: tokio::sync::Mutex::default(),
        });
        match (&ring.source, ring.refresh().await) {
            (KeySource::File(_), Err(error)) => Err(error),
            (_, Err(error)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "failed to load the keys of tokens; will retry"
                );
                Ok(ring)
            }
            (_, Ok(())) => Ok(ring),
        }
    }

    /// Returns the keys that may have signed a token with this header. Fails only if no keys were
    /// ever loaded.
    pub(super) async fn candidates(
        self: &Arc<Self>,
        header: &Header,
    ) -> Result<Vec<DecodingKey>, Arc<KeySetError>> {
        match self.known(header) {
            Some((keys, Age::Fresh)) if !keys.is_empty() => return Ok(keys),
            // A caller with a matching key doesn't wait for a refresh.
            Some((keys, Age::Stale)) if !keys.is_empty() && self.refreshing.try_lock().is_err() => {
                return Ok(keys);
            }
            _ => {}
        }
        let this = Arc::clone(self);
        // A task of its own: who waits for it may leave, and the others would wait for the next try.
        let refreshed = tokio::spawn(async move { this.refresh().await }).await;
        let refreshed = refreshed.unwrap_or(Err(KeySetError::NotLoaded));
        match (self.known(header), refreshed) {
            (Some((keys, _)), _) => Ok(keys),
            (None, Err(error)) => Err(Arc::new(error)),
            (None, Ok(())) => Err(Arc::new(KeySetError::NotLoaded)),
        }
    }

    fn known(&self, header: &Header) -> Option<(Vec<DecodingKey>, Age)> {
        let loaded = self
            .loaded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()?;
        let fresh = self.clock.now().since(loaded.at) < MAX_AGE;
        let age = if fresh { Age::Fresh } else { Age::Stale };
        Some((loaded.set.candidates(header), age))
    }

    /// Reloads the keys, unless that was just tried. Concurrent callers share one reload.
    async fn refresh(&self) -> Result<(), KeySetError> {
        let mut last = self.refreshing.lock().await;
        let now = self.clock.now();
        if last.is_some_and(|last| now.since(last) < MIN_PAUSE) {
            return Ok(());
        }
        *last = Some(now);
        let set = match &self.source {
            KeySource::Url(url) => fetch(url).await,
            KeySource::File(path) => match settings::read_small_file(path) {
                Ok(json) => KeySet::parse(&json),
                Err(source) => Err(KeySetError::File {
                    path: path.clone(),
                    source,
                }),
            },
        }?;
        *self.loaded.lock().unwrap_or_else(PoisonError::into_inner) = Some(Loaded { set, at: now });
        Ok(())
    }
}

/// Returns whether the cached keys are stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    Fresh,
    Stale,
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use domain::ManualClock;
    use jsonwebtoken::Algorithm;

    use super::*;

    fn set(id: &str) -> String {
        let key = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{key}","kid":"{id}"}}]}}"#)
    }

    async fn knows(ring: &Arc<KeyRing>, id: &str) -> bool {
        let header = Header {
            kid: Some(id.to_owned()),
            ..Header::new(Algorithm::EdDSA)
        };
        !ring.candidates(&header).await.unwrap().is_empty()
    }

    #[tokio::test]
    async fn an_unknown_key_is_looked_for_but_not_too_often() {
        let clock = Arc::new(ManualClock::starting_at(Timestamp::from_micros(0)));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), set("old")).unwrap();
        let ring = KeyRing::open(KeySource::File(file.path().to_owned()), clock.clone())
            .await
            .unwrap();
        assert!(knows(&ring, "old").await);

        std::fs::write(file.path(), set("new")).unwrap();
        assert!(!knows(&ring, "new").await, "it was loaded a moment ago");
        clock.advance(MIN_PAUSE);
        assert!(knows(&ring, "new").await);
        assert!(!knows(&ring, "old").await, "it was taken back");
    }

    #[tokio::test]
    async fn a_key_that_was_taken_back_is_forgotten() {
        let clock = Arc::new(ManualClock::starting_at(Timestamp::from_micros(0)));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), set("old")).unwrap();
        let ring = KeyRing::open(KeySource::File(file.path().to_owned()), clock.clone())
            .await
            .unwrap();
        std::fs::write(file.path(), set("new")).unwrap();
        clock.advance(MAX_AGE);
        assert!(!knows(&ring, "old").await);
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_an_error_at_once() {
        let clock = Arc::new(ManualClock::starting_at(Timestamp::from_micros(0)));
        let source = KeySource::File(PathBuf::from("/nonexistent/keys.json"));
        assert!(matches!(
            KeyRing::open(source, clock).await,
            Err(KeySetError::File { .. })
        ));
    }

    #[tokio::test]
    async fn an_issuer_that_never_answered_is_told_from_an_unknown_key() {
        let clock = Arc::new(ManualClock::starting_at(Timestamp::from_micros(0)));
        let nobody = "http://127.0.0.1:1/keys".parse().unwrap();
        let ring = KeyRing::open(nobody, clock).await.unwrap();
        let refused = ring
            .candidates(&Header::new(Algorithm::EdDSA))
            .await
            .unwrap_err();
        assert!(matches!(*refused, KeySetError::NotLoaded), "{refused}");
    }
}
