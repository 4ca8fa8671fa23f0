//! Settings of disk space beside the quota.

use clap::Args;

use super::values::{parse_few_bytes, parse_some_bytes};
use domain::{Allowances, ByteSize};

/// Limits on bytes on disk that are not documents.
#[derive(Args, Clone, Copy, Debug)]
pub struct DiskSettings {
    /// The most bytes of a user's uploads in progress, imported archives and failed uploads
    /// [default: the user's quota plus a sixteenth of it plus 16MiB]
    #[arg(
        long,
        env = "DOSSIER_STAGING_ALLOWANCE",
        global = true,
        value_name = "SIZE",
        value_parser = parse_some_bytes
    )]
    pub staging_allowance: Option<ByteSize>,

    /// The most bytes of a user's export archives [default: the user's quota plus a sixteenth of it
    /// plus 16MiB]
    #[arg(
        long,
        env = "DOSSIER_RESULT_ALLOWANCE",
        global = true,
        value_name = "SIZE",
        value_parser = parse_some_bytes
    )]
    pub result_allowance: Option<ByteSize>,

    /// The free space to keep on local disks: below it uploads are refused; 0 disables the check
    /// [default: 1GiB, or a twentieth of a smaller disk]
    #[arg(
        long,
        env = "DOSSIER_MIN_FREE_BYTES",
        global = true,
        value_name = "SIZE"
    )]
    pub min_free_bytes: Option<ByteSize>,

    /// The largest upload kept in the database until a worker has stored it, at most 1MiB, which
    /// saves a write to staging; 0 keeps none there
    #[arg(
        long,
        env = "DOSSIER_INLINE_BYTES",
        global = true,
        default_value = "64KiB",
        value_name = "SIZE",
        value_parser = parse_few_bytes
    )]
    pub inline_bytes: ByteSize,
}

impl DiskSettings {
    /// The defaults.
    #[must_use]
    pub const fn allowances(&self) -> Allowances {
        Allowances {
            staging: self.staging_allowance,
            results: self.result_allowance,
        }
    }
}
