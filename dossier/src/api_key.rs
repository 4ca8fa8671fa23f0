//! New API keys.

use uuid::Uuid;

/// A new API key: 244 random bits, more than anyone guesses.
pub fn generate() -> String {
    format!(
        "dossier_{}{}",
        Uuid::new_v4().simple(),
        Uuid::new_v4().simple()
    )
}
