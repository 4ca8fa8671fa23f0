//! Verifies what a webhook receives (Standard Webhooks 1.0).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

/// How far the clocks of sender and receiver may differ, and how long a request may take.
const TOLERANCE: Duration = Duration::from_mins(5);

/// The secret of a webhook.
#[derive(Clone, Debug)]
pub struct WebhookSecret(hmac::Key);

/// The header fields of a request to a webhook.
#[derive(Clone, Copy, Debug)]
pub struct WebhookHeaders<'a> {
    /// `webhook-id`: the same in each attempt to deliver an event.
    pub id: &'a str,
    /// `webhook-timestamp`: seconds since 1970.
    pub timestamp: &'a str,
    /// `webhook-signature`: one or more signatures.
    pub signature: &'a str,
}

/// Why a request to a webhook isn't to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// The secret isn't `whsec_` and Base64.
    #[error("a secret is whsec_ and Base64")]
    BadSecret,
    /// The timestamp isn't a number.
    #[error("the timestamp is no number")]
    Malformed,
    /// The request is too old, or the clocks differ.
    #[error("the timestamp is more than five minutes away")]
    WrongTime,
    /// No signature is of this secret.
    #[error("no signature is of this secret")]
    Unsigned,
}

impl WebhookSecret {
    /// Reads a secret such as `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`.
    pub fn parse(text: &str) -> Result<Self, WebhookError> {
        let text = text.trim();
        let encoded = text.strip_prefix("whsec_").unwrap_or(text);
        let secret = STANDARD.decode(encoded);
        let secret = secret.map_err(|_| WebhookError::BadSecret)?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &secret)))
    }

    /// Verifies the body of a request. `now` is the time since 1970, so that tests can choose it.
    pub fn verify(
        &self,
        headers: WebhookHeaders<'_>,
        body: &[u8],
        now: Duration,
    ) -> Result<(), WebhookError> {
        let seconds = headers.timestamp.parse();
        let sent = Duration::from_secs(seconds.map_err(|_| WebhookError::Malformed)?);
        if sent.abs_diff(now) > TOLERANCE {
            return Err(WebhookError::WrongTime);
        }
        let mut signed = format!("{}.{}.", headers.id, headers.timestamp).into_bytes();
        signed.extend_from_slice(body);
        let is_signed = headers.signature.split(' ').any(|signature| {
            let encoded = signature.strip_prefix("v1,").unwrap_or_default();
            let tag = STANDARD.decode(encoded).unwrap_or_default();
            hmac::verify(&self.0, &signed, &tag).is_ok()
        });
        if is_signed {
            Ok(())
        } else {
            Err(WebhookError::Unsigned)
        }
    }
}
