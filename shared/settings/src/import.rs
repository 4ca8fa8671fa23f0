//! Limits of imports.

use clap::Args;

use super::values::parse_some_bytes;
use domain::{ByteSize, ImportLimits};

/// Settings of imports.
#[derive(Args, Clone, Copy, Debug)]
pub struct ImportSettings {
    /// The most entries of an imported archive
    #[arg(long = "import-max-entries", env = "DOSSIER_IMPORT_MAX_ENTRIES", global = true, default_value_t = 100_000,
        value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_entries: u32,

    /// The most bytes of an imported archive, compressed or uncompressed
    #[arg(
        long = "import-max-bytes",
        env = "DOSSIER_IMPORT_MAX_BYTES",
        global = true,
        default_value = "50GiB",
        value_name = "SIZE",
        value_parser = parse_some_bytes
    )]
    pub max_bytes: ByteSize,

    /// The highest ratio of uncompressed to compressed bytes of an imported archive
    #[arg(long = "import-max-ratio", env = "DOSSIER_IMPORT_MAX_RATIO", global = true, default_value_t = 200,
        value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_ratio: u32,
}

impl ImportSettings {
    /// The defaults.
    #[must_use]
    pub const fn limits(&self) -> ImportLimits {
        ImportLimits {
            entries: self.max_entries,
            bytes: self.max_bytes,
            ratio: self.max_ratio,
        }
    }
}
