//! Makes API keys.

use uuid::Uuid;

/// How many characters of a key are kept: the prefix of all keys, and six of its own 64.
const SHOWN: usize = "dossier_".len() + 6;

/// A key that was just made. Never shown by `Debug`, since it isn't.
pub(crate) struct NewSecret(String);

impl NewSecret {
    /// Makes a key: 244 random bits, and a prefix for secret scanners.
    pub(crate) fn generate() -> Self {
        Self(format!(
            "dossier_{}{}",
            Uuid::new_v4().simple(),
            Uuid::new_v4().simple()
        ))
    }

    /// The key.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The characters that are kept.
    pub(crate) fn beginning(&self) -> &str {
        &self.0[..SHOWN]
    }
}
