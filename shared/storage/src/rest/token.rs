//! Access tokens of token services.

use std::time::Duration;

use async_trait::async_trait;
use domain::{Clock as _, SystemClock, read_json};
use http::{HeaderValue, StatusCode, request};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout};
use url::Position;

use super::answer::text;
use super::cached::{Cached, Lasting};
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

/// The latest token of a source.
#[derive(Debug, Default)]
pub(crate) struct CachedToken(Cached<String>);

impl CachedToken {
    /// Returns the value of `Authorization` with the token, from `fetch` if the latest expires soon
    /// ([`Cached::get`]).
    pub(crate) async fn authorization(
        &self,
        fetch: impl Future<Output = Result<Token, BoxError>>,
    ) -> Result<HeaderValue, BoxError> {
        let fetch = async { fetch.await.map(Lasting::from) };
        bearer(&self.0.get("a storage token", fetch).await?)
    }

    /// Drops the token of a request that the service answered with 401.
    pub(crate) fn drop_refused(&self, authorization: &HeaderValue) {
        let is_its = |secret: &String| bearer(secret).is_ok_and(|it| it == *authorization);
        self.0.drop_refused(is_its);
    }
}

impl From<Token> for Lasting<String> {
    fn from(Token { secret, until }: Token) -> Self {
        Self {
            value: secret,
            renew: until.checked_sub(EARLY).unwrap_or(until),
            until,
        }
    }
}

fn bearer(secret: &str) -> Result<HeaderValue, BoxError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {secret}"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

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
