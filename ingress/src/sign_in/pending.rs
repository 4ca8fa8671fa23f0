//! A sign-in that a browser has begun. The browser keeps it, sealed, in a cookie; the service keeps
//! nothing, so strangers can begin as many as they like.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Sha256, Timestamp, read_json};
use ledger::{Database, SecretError, SecretSealer};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::SignInError;

/// How long somebody may take at the provider.
pub(super) const PATIENCE: Duration = Duration::from_mins(10);

/// What the answer of the provider has to fit. Never shown by `Debug`.
#[derive(Serialize, Deserialize)]
pub(super) struct Pending {
    /// Comes back with the code: the same browser has begun and ends it.
    pub(super) state: String,
    /// Comes back within the ID token: it was issued for this sign-in.
    pub(super) nonce: String,
    /// Proves to the provider that who redeems the code has asked for it (RFC 7636).
    pub(super) verifier: String,
    /// When it is over, in microseconds.
    until: i64,
}

impl Pending {
    /// Begins one.
    pub(super) fn begin(now: Timestamp) -> Self {
        Self {
            state: random(),
            nonce: random(),
            verifier: random(),
            until: now.plus(PATIENCE).as_micros(),
        }
    }

    /// The challenge of its verifier, by the method S256.
    pub(super) fn challenge(&self) -> String {
        let digest = Sha256::of(self.verifier.as_bytes());
        URL_SAFE_NO_PAD.encode(digest.as_bytes())
    }

    /// Seals it for the browser.
    pub(super) async fn seal(
        &self,
        sealer: &SecretSealer,
        db: &Database,
        now: Timestamp,
    ) -> Result<String, SecretError> {
        let text = serde_json::json!(self).to_string();
        sealer.seal_state(db, text.as_bytes(), now).await
    }

    /// Opens what the browser kept, if the provider's answer belongs to it.
    pub(super) fn open(
        opened: Option<&[u8]>,
        state: &str,
        now: Timestamp,
    ) -> Result<Self, SignInError> {
        let pending: Option<Self> = opened.and_then(|text| read_json(text).ok());
        let fits = |pending: &Self| {
            // Digests, so that the time of the comparison tells nothing.
            let is_same = Sha256::of(pending.state.as_bytes()) == Sha256::of(state.as_bytes());
            is_same && now.as_micros() < pending.until
        };
        pending.filter(fits).ok_or(SignInError::State)
    }
}

/// 244 random bits, in 64 letters that URLs may have.
fn random() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    #[test]
    fn an_answer_belongs_to_one_sign_in_for_ten_minutes() {
        let pending = Pending::begin(NOW);
        let text = serde_json::json!(pending).to_string();
        let open = |state: &str, at| Pending::open(Some(text.as_bytes()), state, at);
        assert_eq!(open(&pending.state, NOW).unwrap().nonce, pending.nonce);
        assert!(open(&Pending::begin(NOW).state, NOW).is_err());
        assert!(open("", NOW).is_err());
        assert!(open(&pending.state, NOW.plus(PATIENCE)).is_err());
        assert!(Pending::open(None, &pending.state, NOW).is_err());
    }

    #[test]
    fn the_challenge_is_that_of_rfc_7636() {
        let pending = Pending {
            verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned(),
            ..Pending::begin(NOW)
        };
        assert_eq!(
            pending.challenge(),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }
}
