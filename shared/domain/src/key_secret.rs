//! API keys as they are made, by ingress and by commands.

use uuid::Uuid;

/// How many characters of a key are kept: the prefix of all keys, and six of its own 64.
const SHOWN: usize = "dossier_".len() + 6;

/// A key that was just made. It has no `Debug`, so no log shows it.
pub struct KeySecret(String);

impl KeySecret {
    /// Makes a key: 244 random bits, and a prefix for secret scanners.
    #[must_use]
    pub fn generate() -> Self {
        Self(format!(
            "dossier_{}{}",
            Uuid::new_v4().simple(),
            Uuid::new_v4().simple()
        ))
    }

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The characters that are kept, to tell it from others.
    #[must_use]
    pub fn beginning(&self) -> &str {
        &self.0[..SHOWN]
    }
}
