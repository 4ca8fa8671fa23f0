//! Limits on rows that have no bytes of their own.

use clap::Args;
use domain::RowLimits;

/// Limits on what is counted beside bytes and documents.
#[derive(Args, Clone, Copy, Debug)]
pub struct RowSettings {
    /// The most versions of a document
    #[arg(long, env = "DOSSIER_MAX_VERSIONS", global = true, default_value_t = 10_000,
        value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_versions: u32,

    /// The most idempotency keys kept of a user, with answers of 4KiB each on average
    #[arg(long, env = "DOSSIER_MAX_IDEMPOTENCY_KEYS", global = true, default_value_t = 100_000,
        value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_idempotency_keys: u32,
}

impl RowSettings {
    /// The defaults.
    #[must_use]
    pub const fn limits(&self) -> RowLimits {
        RowLimits {
            versions: self.max_versions,
            keys: self.max_idempotency_keys,
        }
    }
}
