//! The random secret of the ledger, from which keys are derived that all its processes share: those
//! that seal users' secrets, and the one that signs receipts. Made once, and never shown.

use ring::rand::{SecureRandom as _, SystemRandom};

use super::tables::installation;
use super::{Database, DbError};
use domain::Timestamp;

const BYTES: usize = 32;

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum LedgerSecretError {
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    Random,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Returns the secret of the ledger, which the first call makes.
pub(crate) async fn ledger_secret(
    db: &Database,
    now: Timestamp,
) -> Result<String, LedgerSecretError> {
    if let Some(secret) = installation::secret(db.reader()).await? {
        return Ok(secret);
    }
    let made = hex::encode(random::<BYTES>()?);
    installation::insert(db.writer(), now).await?;
    installation::keep_secret(db.writer(), &made).await?;
    // Another process may have been faster.
    let kept = installation::secret(db.writer()).await?;
    Ok(kept.ok_or_else(|| DbError::corrupt("installation", "secret", 1))?)
}

/// Returns random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], LedgerSecretError> {
    let mut bytes = [0; N];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| LedgerSecretError::Random)?;
    Ok(bytes)
}
