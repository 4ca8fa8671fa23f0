//! How much of the disks users may take, as the operator writes it.

use clap::Args;

use super::values::parse_some_bytes;
use domain::{Allowances, ByteSize};

/// Settings of what lies on disk beside documents.
#[derive(Args, Clone, Copy, Debug)]
pub struct DiskSettings {
    /// The most bytes that a user's uploads under way, archives of imports and failed uploads have
    /// [default: the user's quota, a sixteenth of it, and 16MiB]
    #[arg(
        long,
        env = "DOSSIER_STAGING_ALLOWANCE",
        global = true,
        value_name = "SIZE",
        value_parser = parse_some_bytes
    )]
    pub staging_allowance: Option<ByteSize>,

    /// The most bytes that the archives of a user's exports have [default: the user's quota, a
    /// sixteenth of it, and 16MiB]
    #[arg(
        long,
        env = "DOSSIER_RESULT_ALLOWANCE",
        global = true,
        value_name = "SIZE",
        value_parser = parse_some_bytes
    )]
    pub result_allowance: Option<ByteSize>,

    /// What is kept free on local disks: below it nothing new is taken in; 0 keeps nothing free
    /// [default: 1GiB, or a twentieth of a smaller disk]
    #[arg(
        long,
        env = "DOSSIER_MIN_FREE_BYTES",
        global = true,
        value_name = "SIZE"
    )]
    pub min_free_bytes: Option<ByteSize>,
}

impl DiskSettings {
    /// As a rule.
    #[must_use]
    pub const fn allowances(&self) -> Allowances {
        Allowances {
            staging: self.staging_allowance,
            results: self.result_allowance,
        }
    }
}
