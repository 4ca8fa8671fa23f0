//! The secret of a webhook: random, shown once, and sealed in its row, since every delivery is signed
//! with it.
//!
//! The key is derived from a random secret of the ledger and, if the operator gives one, from a key that
//! isn't in the database. Each sealed text has a salt, and so a key, of its own.

use std::fmt;
use std::sync::Arc;

use ring::aead::{Aad, LessSafeKey, Nonce};
use tokio::sync::OnceCell;

use crate::Database;
use crate::ledger_secret::{LedgerSecretError, ledger_secret, random};
use crate::sealing::{SALT, derived};
use domain::{Timestamp, WebhookId};

const PURPOSE: &[u8] = b"dossier: the secret of a webhook";
const BYTES: usize = 32;

/// A secret. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Vec<u8>);

/// Why a secret can't be made, sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The cipher failed.
    #[error("could not seal a secret")]
    Seal,
    /// It was sealed with another key, or damaged.
    #[error("could not open the secret of webhook {0}: was DOSSIER_SECRETS_KEY changed?")]
    Open(WebhookId),
    /// There are no random bytes, or the database failed.
    #[error(transparent)]
    Ledger(#[from] LedgerSecretError),
}

/// Seals and opens secrets of one ledger.
#[derive(Clone, Default)]
pub struct SecretSealer {
    key: Option<Arc<[u8]>>,
    /// The ledger's secret, which never changes.
    ledger: Arc<OnceCell<String>>,
}

impl WebhookSecret {
    /// Makes a secret.
    pub fn generate() -> Result<Self, SecretError> {
        Ok(Self(random::<BYTES>()?.to_vec()))
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for WebhookSecret {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

impl fmt::Debug for SecretSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretSealer(…)")
    }
}

impl SecretSealer {
    /// A sealer with the operator's key, if there is one.
    #[must_use]
    pub fn new(key: Option<&[u8]>) -> Self {
        Self {
            key: key.map(Arc::from),
            ledger: Arc::default(),
        }
    }

    /// The secret of the ledger, which is read once.
    pub(crate) async fn ledger(
        &self,
        db: &Database,
        now: Timestamp,
    ) -> Result<&str, LedgerSecretError> {
        let read = self.ledger.get_or_try_init(|| ledger_secret(db, now));
        Ok(read.await?)
    }

    /// Seals a secret for the row of a webhook, in hexadecimal digits.
    pub async fn seal(
        &self,
        db: &Database,
        (webhook, secret): (WebhookId, &WebhookSecret),
        now: Timestamp,
    ) -> Result<String, SecretError> {
        let ledger = self.ledger(db, now).await?;
        let salt = random::<SALT>()?;
        let (key, nonce) = self.derived(ledger, &salt, true).ok_or(SecretError::Seal)?;
        let mut sealed = secret.0.clone();
        let context = Aad::from(webhook.0.into_bytes());
        key.seal_in_place_append_tag(nonce, context, &mut sealed)
            .map_err(|_| SecretError::Seal)?;
        Ok(hex::encode([&salt[..], &sealed].concat()))
    }

    /// Opens a secret. One that was sealed before the operator gave a key opens as well.
    pub async fn open(
        &self,
        db: &Database,
        (webhook, sealed): (WebhookId, &str),
        now: Timestamp,
    ) -> Result<WebhookSecret, SecretError> {
        let ledger = self.ledger(db, now).await?;
        let open = |with_key| self.open_with(ledger, webhook, sealed, with_key);
        open(true)
            .or_else(|| open(false))
            .ok_or(SecretError::Open(webhook))
    }

    fn open_with(
        &self,
        ledger: &str,
        webhook: WebhookId,
        sealed: &str,
        with_key: bool,
    ) -> Option<WebhookSecret> {
        let bytes = hex::decode(sealed).ok()?;
        let (salt, sealed) = bytes.split_at_checked(SALT)?;
        let (key, nonce) = self.derived(ledger, salt, with_key)?;
        let mut sealed = sealed.to_vec();
        let context = Aad::from(webhook.0.into_bytes());
        let opened = key.open_in_place(nonce, context, &mut sealed).ok()?;
        Some(WebhookSecret(opened.to_vec()))
    }

    fn derived(&self, ledger: &str, salt: &[u8], with_key: bool) -> Option<(LessSafeKey, Nonce)> {
        derived(PURPOSE, &self.material(ledger, with_key), salt)
    }

    /// What keys are derived from: the secret of the ledger, and the operator's key.
    pub(crate) fn material(&self, ledger: &str, with_key: bool) -> Vec<u8> {
        let mut material = ledger.as_bytes().to_vec();
        if let Some(key) = self.key.as_deref().filter(|_| with_key) {
            material.extend_from_slice(key);
        }
        material
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(sealer: &SecretSealer, webhook: WebhookId, secret: &WebhookSecret) -> String {
        let salt = random::<SALT>().unwrap();
        let (key, nonce) = sealer.derived("of the ledger", &salt, true).unwrap();
        let mut text = secret.0.clone();
        let context = Aad::from(webhook.0.into_bytes());
        key.seal_in_place_append_tag(nonce, context, &mut text)
            .unwrap();
        hex::encode([&salt[..], &text].concat())
    }

    #[test]
    fn a_secret_opens_for_its_webhook_and_key_alone() {
        let now = Timestamp::from_micros(0);
        let (one, other) = (WebhookId::new(now), WebhookId::new(now));
        let secret = WebhookSecret::generate().unwrap();
        let (plain, keyed) = (
            SecretSealer::default(),
            SecretSealer::new(Some(b"a key".as_slice())),
        );
        for sealer in [&plain, &keyed] {
            let text = sealed(sealer, one, &secret);
            let open = |sealer: &SecretSealer, webhook, with_key| {
                sealer.open_with("of the ledger", webhook, &text, with_key)
            };
            assert_eq!(open(sealer, one, true), Some(secret.clone()));
            assert_eq!(open(sealer, other, true), None);
            assert_eq!(
                open(&SecretSealer::new(Some(b"another".as_slice())), one, true),
                None
            );
            assert_eq!(sealer.open_with("of another", one, &text, true), None);
        }
        // A key that is given later doesn't lock out what was sealed before.
        let text = sealed(&plain, one, &secret);
        assert_eq!(
            keyed.open_with("of the ledger", one, &text, false),
            Some(secret)
        );
    }
}
