//! Which key signs receipts, and which verify them. The operator's key signs, or else one that is
//! derived from the secret of the ledger, so that all processes have the same.
//!
//! The public half of a key is kept before its first signature, for ever: what an earlier key has
//! signed still verifies.

use std::fmt;
use std::sync::Arc;

use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use tokio::sync::OnceCell;

use super::{SigningKey, VerifyingKey};
use crate::ledger_secret::{LedgerSecretError, ledger_secret};
use crate::tables::signing_keys;
use crate::{Database, DbError, installation};
use domain::{InstallationId, Timestamp};

const PURPOSE: &[u8] = b"dossier: the key that signs receipts";

/// Why nothing can be signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// No key could be derived.
    #[error("could not derive the key that signs receipts")]
    Derive,
    /// The ledger has no secret.
    #[error(transparent)]
    Secret(#[from] LedgerSecretError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Who signs receipts.
#[derive(Clone, Debug)]
pub struct ReceiptIssuer {
    /// The ledger.
    pub ledger: InstallationId,
    /// Its key.
    pub key: SigningKey,
}

/// Signs receipts; clones share what was read of the ledger.
#[derive(Clone, Default)]
pub struct ReceiptSigner {
    own: Option<SigningKey>,
    secrets_key: Option<Arc<[u8]>>,
    issuer: Arc<OnceCell<ReceiptIssuer>>,
}

impl ReceiptSigner {
    /// A signer with the operator's own key, or one that is derived together with the operator's key
    /// of secrets, if there is one.
    #[must_use]
    pub fn new(own: Option<SigningKey>, secrets_key: Option<&[u8]>) -> Self {
        Self {
            own,
            secrets_key: secrets_key.map(Arc::from),
            issuer: Arc::default(),
        }
    }

    /// Returns who signs. The first call keeps the public half of the key.
    pub async fn issuer(
        &self,
        db: &Database,
        now: Timestamp,
    ) -> Result<&ReceiptIssuer, SigningError> {
        self.issuer
            .get_or_try_init(|| self.first_issuer(db, now))
            .await
    }

    /// Returns the public keys of all who have signed, and of this one, the newest first.
    pub async fn verifying_keys(
        &self,
        db: &Database,
        now: Timestamp,
    ) -> Result<Vec<VerifyingKey>, SigningError> {
        self.issuer(db, now).await?;
        let kept = signing_keys::list(db.reader()).await?;
        let key = |text: String| {
            let key = text.parse();
            key.map_err(|_| DbError::corrupt("signing_keys", "public_key", text).into())
        };
        kept.into_iter().map(key).collect()
    }

    async fn first_issuer(
        &self,
        db: &Database,
        now: Timestamp,
    ) -> Result<ReceiptIssuer, SigningError> {
        let key = match &self.own {
            Some(key) => key.clone(),
            None => self.derived(&ledger_secret(db, now).await?)?,
        };
        signing_keys::keep(db.writer(), key.verifying_key().encoded(), now).await?;
        let ledger = installation(db, now).await?;
        Ok(ReceiptIssuer { ledger, key })
    }

    fn derived(&self, ledger: &str) -> Result<SigningKey, SigningError> {
        let mut material = ledger.as_bytes().to_vec();
        material.extend_from_slice(self.secrets_key.as_deref().unwrap_or_default());
        let secret = Salt::new(HKDF_SHA256, &[]).extract(&material);
        let mut seed = [0; SEED];
        let expanded = secret.expand(&[PURPOSE], SeedLength);
        let filled = expanded.and_then(|expanded| expanded.fill(&mut seed));
        filled.map_err(|_| SigningError::Derive)?;
        SigningKey::from_seed(&seed).map_err(|_| SigningError::Derive)
    }
}

impl fmt::Debug for ReceiptSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceiptSigner(…)")
    }
}

/// The length of a seed in bytes.
const SEED: usize = 32;

/// The same, for the derivation.
struct SeedLength;

impl KeyType for SeedLength {
    fn len(&self) -> usize {
        SEED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_key_depends_on_the_ledger_and_on_the_key_of_secrets() {
        let public = |secrets_key: Option<&[u8]>, ledger| {
            let key = ReceiptSigner::new(None, secrets_key).derived(ledger);
            key.unwrap().verifying_key()
        };
        let plain = public(None, "of the ledger");
        assert_eq!(public(None, "of the ledger"), plain);
        assert_ne!(public(None, "of another"), plain);
        assert_ne!(public(Some(b"a key"), "of the ledger"), plain);
    }
}
