//! Generates API keys.

use uuid::Uuid;

/// Returns a new API key with 244 random bits.
pub fn generate() -> String {
    format!(
        "dossier_{}{}",
        Uuid::new_v4().simple(),
        Uuid::new_v4().simple()
    )
}
