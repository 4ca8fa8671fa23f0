//! Access tokens: asked of a token service, and kept until shortly before they expire.

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::{Clock as _, SystemClock, read_json};
use http::{HeaderValue, StatusCode, request};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout};
use url::Position;

use super::answer::text;
use super::client::{Authorize, BoxError, Call, HttpClient, Response};

/// How long before its end a token is replaced. Less than the five minutes for which Google's
/// metadata server has the next one before: asked earlier, it gives the same one again.
const EARLY: Duration = Duration::from_secs(225);

/// The lifetime of a token whose service doesn't tell it.
const UNTOLD: Duration = Duration::from_mins(10);

/// The timeout of a request for a token.
const PATIENCE: Duration = Duration::from_secs(10);

/// The timeout of all tries to get a token.
const LONGEST: Duration = Duration::from_secs(25);

/// How long nobody asks again after a failure, or for a successor of a token that lasts.
const PAUSE: Duration = Duration::from_secs(2);

/// An access token.
#[derive(Clone)]
pub(crate) struct Token {
    /// Sent as `Authorization: Bearer`.
    secret: String,
    /// When it expires.
    until: Instant,
}

/// A token service that gave no token.
#[derive(Debug, thiserror::Error)]
enum TokenError {
    /// It did not answer, or not with a token.
    #[error("the token service at {service} gave no token")]
    Unanswered {
        service: String,
        #[source]
        source: BoxError,
    },
    /// It refused.
    #[error("the token service at {service} answered {status}{words}")]
    Refused {
        service: String,
        status: StatusCode,
        words: String,
    },
}

/// The answer of a token service. Some write numbers as text.
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    /// Seconds.
    expires_in: Option<Box<RawValue>>,
    /// Seconds since 1970: App Service says nothing else.
    expires_on: Option<Box<RawValue>>,
}

/// The answer of a token service that refuses (RFC 6749).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    error: String,
    error_description: String,
}

/// Requests for tokens carry their credentials in the body or a header.
struct Unauthorized;

#[async_trait]
impl Authorize for Unauthorized {
    async fn authorize(&self, _: &mut request::Parts, _: usize) -> Result<(), BoxError> {
        Ok(())
    }
}

/// Asks a token service, which answers as OAuth 2 defines it.
pub(crate) async fn ask(client: &HttpClient, call: Call) -> Result<Token, BoxError> {
    // The query may name the application.
    let service = call.url()[..Position::AfterPath].to_owned();
    let asked = timeout(LONGEST, fetch(client, call.patience(PATIENCE), &service)).await;
    let given = asked.unwrap_or_else(|elapsed| {
        let source = elapsed.into();
        Err(TokenError::Unanswered { service, source })
    });
    Ok(given?)
}

async fn fetch(client: &HttpClient, call: Call, service: &str) -> Result<Token, TokenError> {
    let unanswered = |source: BoxError| TokenError::Unanswered {
        service: service.to_owned(),
        source,
    };
    let answer = client.send(&call, &Unauthorized).await;
    let answer = answer.map_err(|error| unanswered(error.into()))?;
    let status = answer.status();
    if !status.is_success() {
        return Err(TokenError::Refused {
            service: service.to_owned(),
            status,
            words: words(call.action, answer).await,
        });
    }
    let body = text(call.action, answer).await;
    let body = body.map_err(|error| unanswered(error.into()))?;
    let answer: Answer = read_json(&body).map_err(|error| unanswered(error.into()))?;
    Ok(Token {
        until: Instant::now() + answer.lifetime(),
        secret: answer.access_token,
    })
}

async fn words(action: &'static str, answer: Response) -> String {
    let body = text(action, answer).await.unwrap_or_default();
    let Refusal {
        error,
        error_description,
    } = read_json(&body).unwrap_or_default();
    let first_line = error_description.lines().next().unwrap_or_default();
    let words = [error.as_str(), first_line];
    let words = words.into_iter().filter(|words| !words.is_empty());
    words.flat_map(|words| [": ", words]).collect()
}

impl Answer {
    fn lifetime(&self) -> Duration {
        let number = |value: &Option<Box<RawValue>>| {
            let text = value.as_deref()?.get().trim_matches('"');
            text.parse::<i64>().ok()
        };
        let left = || {
            let now = SystemClock.now().as_micros() / 1_000_000;
            number(&self.expires_on).map(|end| end.saturating_sub(now))
        };
        let told = number(&self.expires_in).or_else(left);
        told.map_or(UNTOLD, |seconds| {
            Duration::from_secs(seconds.clamp(0, i64::from(u32::MAX)).unsigned_abs())
        })
    }
}

/// Why there is no token, for all who wait.
type Failure = Arc<dyn Error + Send + Sync>;

/// The latest token of a source. One request at a time asks for the next.
#[derive(Default)]
pub(crate) struct CachedToken {
    latest: Mutex<Latest>,
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Latest {
    token: Option<Token>,
    /// When a token was asked for last, and what came of it.
    asked: Option<(Instant, Result<(), Failure>)>,
}

impl CachedToken {
    /// Returns the value of `Authorization` with the token, from `fetch` if the latest expires soon.
    /// While that is under way, or if it fails, the latest one is used as long as it lasts. Whoever
    /// waited for a failure gets the same one.
    pub(crate) async fn authorization(
        &self,
        fetch: impl Future<Output = Result<Token, BoxError>>,
    ) -> Result<HeaderValue, BoxError> {
        bearer(&self.get(fetch).await?)
    }

    async fn get(
        &self,
        fetch: impl Future<Output = Result<Token, BoxError>>,
    ) -> Result<String, BoxError> {
        if let Some(secret) = self.lasting(EARLY) {
            return Ok(secret);
        }
        let _asking = match (self.asking.try_lock(), self.lasting(Duration::ZERO)) {
            (Ok(turn), _) => turn,
            (Err(_), Some(secret)) => return Ok(secret),
            (Err(_), None) => self.asking.lock().await,
        };
        if let Some(secret) = self.lasting(EARLY) {
            return Ok(secret);
        }
        let recent = self.recently_asked();
        match (recent, self.lasting(Duration::ZERO)) {
            (Some(_), Some(secret)) => return Ok(secret),
            (Some(Err(failure)), None) => return Err(failure.into()),
            _ => {}
        }
        match fetch.await {
            Ok(token) => {
                let secret = token.secret.clone();
                let mut latest = self.latest();
                latest.token = Some(token);
                latest.asked = Some((Instant::now(), Ok(())));
                Ok(secret)
            }
            Err(error) => {
                let failure: Failure = error.into();
                self.latest().asked = Some((Instant::now(), Err(Arc::clone(&failure))));
                let Some(secret) = self.lasting(Duration::ZERO) else {
                    return Err(failure.into());
                };
                let error = &*failure as &dyn Error;
                tracing::warn!(error, "failed to renew a storage token; using the old one");
                Ok(secret)
            }
        }
    }

    /// Drops the token of a request that the service answered with 401.
    pub(crate) fn drop_refused(&self, authorization: &HeaderValue) {
        let mut latest = self.latest();
        let is_latest = |token: &Token| bearer(&token.secret).is_ok_and(|it| it == *authorization);
        if latest.token.as_ref().is_some_and(is_latest) {
            *latest = Latest::default();
        }
    }

    /// Returns the latest token if it lasts longer than that.
    fn lasting(&self, longer: Duration) -> Option<String> {
        let latest = self.latest();
        let token = latest.token.as_ref()?;
        (token.until > Instant::now() + longer).then(|| token.secret.clone())
    }

    /// Returns what came of the latest request for a token, if that was a moment ago.
    fn recently_asked(&self) -> Option<Result<(), Failure>> {
        let latest = self.latest();
        let (at, outcome) = latest.asked.as_ref()?;
        (at.elapsed() < PAUSE).then(|| outcome.clone())
    }

    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bearer(secret: &str) -> Result<HeaderValue, BoxError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {secret}"))?;
    value.set_sensitive(true);
    Ok(value)
}

impl std::fmt::Debug for CachedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CachedToken")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// A token service that numbers its tokens, and fails where `None` is given.
    async fn given(asked: &AtomicU32, lifetime: Option<Duration>) -> Result<Token, BoxError> {
        let number = asked.fetch_add(1, Ordering::Relaxed) + 1;
        tokio::task::yield_now().await;
        let lifetime = lifetime.ok_or_else(|| format!("failure {number}"))?;
        Ok(Token {
            secret: number.to_string(),
            until: Instant::now() + lifetime,
        })
    }

    #[tokio::test]
    async fn a_token_is_asked_for_once_and_again_before_it_expires() {
        let (cached, asked) = (CachedToken::default(), AtomicU32::new(0));
        let long = Some(EARLY + Duration::from_mins(1));
        let get = async || cached.get(given(&asked, long)).await.unwrap();
        let both = futures::future::join(get(), get()).await;
        assert_eq!(both, ("1".to_owned(), "1".to_owned()));
        // Some minutes later.
        cached.latest().token.as_mut().unwrap().until -= Duration::from_mins(2);
        cached.latest().asked = None;
        let renewed = futures::future::join(get(), get()).await;
        assert_eq!(renewed, ("2".to_owned(), "1".to_owned()), "nobody waits");
        assert_eq!(get().await, "2");
    }

    #[tokio::test]
    async fn a_token_that_can_not_be_renewed_is_used_as_long_as_it_lasts() {
        let (cached, asked) = (CachedToken::default(), AtomicU32::new(0));
        let soon = Some(Duration::from_mins(1));
        assert_eq!(cached.get(given(&asked, soon)).await.unwrap(), "1");
        cached.latest().asked = None;
        for _ in 0..3 {
            assert_eq!(cached.get(given(&asked, None)).await.unwrap(), "1");
        }
        assert_eq!(asked.load(Ordering::Relaxed), 2, "not for each request");
        cached.latest().token.as_mut().unwrap().until = Instant::now();
        for _ in 0..3 {
            let error = cached.get(given(&asked, None)).await.unwrap_err();
            assert_eq!(error.to_string(), "failure 2");
        }
        cached.latest().asked = None;
        assert_eq!(cached.get(given(&asked, soon)).await.unwrap(), "3");
    }

    #[tokio::test]
    async fn who_waits_for_a_failure_gets_it_as_well() {
        let (cached, asked) = (CachedToken::default(), AtomicU32::new(0));
        let get = async || {
            cached
                .get(given(&asked, None))
                .await
                .unwrap_err()
                .to_string()
        };
        let all = futures::future::join_all((0..50).map(|_| get())).await;
        assert!(all.iter().all(|error| error == "failure 1"), "{all:?}");
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_token_that_was_refused_is_dropped_once() {
        let (cached, asked) = (CachedToken::default(), AtomicU32::new(0));
        let long = Some(Duration::from_hours(1));
        let get = async || cached.authorization(given(&asked, long)).await.unwrap();
        let first = get().await;
        cached.drop_refused(&first);
        let second = get().await;
        assert_ne!(first, second);
        // Another request that had the first one.
        cached.drop_refused(&first);
        assert_eq!(get().await, second);
    }

    #[test]
    fn lifetimes_are_read_from_all_services() {
        let lifetime = |text: &str| {
            let answer: Answer = read_json(text.as_bytes()).unwrap();
            answer.lifetime()
        };
        let hour = Duration::from_hours(1);
        assert_eq!(lifetime(r#"{"access_token":"a","expires_in":3600}"#), hour);
        let both = r#"{"access_token":"a","expires_in":"3600","expires_on":"1"}"#;
        assert_eq!(lifetime(both), hour);
        let end = SystemClock.now().as_micros() / 1_000_000 + 3_600;
        for text in [format!("{end}"), format!("\"{end}\"")] {
            let text = format!(r#"{{"access_token":"a","expires_on":{text}}}"#);
            let left = lifetime(&text);
            assert!(left <= hour && left > hour / 2, "{left:?}");
        }
        assert_eq!(lifetime(r#"{"access_token":"a"}"#), UNTOLD);
        let over = r#"{"access_token":"a","expires_in":-1}"#;
        assert_eq!(lifetime(over), Duration::ZERO);
    }
}
