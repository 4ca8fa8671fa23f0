//! Limits of a user's bulk operations.

use clap::Args;

use super::values;
use domain::{ByteSize, OperationLimits};

/// Settings of bulk operations.
#[derive(Args, Clone, Copy, Debug)]
pub struct OperationSettings {
    /// The most unfinished operations of a user
    #[arg(long = "max-open-operations", env = "DOSSIER_MAX_OPEN_OPERATIONS", global = true, default_value_t = 100,
        value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_open: u32,

    /// The most operations kept of a user; the oldest finished ones are removed first
    #[arg(long = "max-operations", env = "DOSSIER_MAX_OPERATIONS", global = true, default_value_t = 10_000,
        value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_kept: u32,

    /// The most items kept of all operations of a user, likewise
    #[arg(long = "max-operation-items", env = "DOSSIER_MAX_OPERATION_ITEMS", global = true, default_value_t = 2_000_000,
        value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(100_000..))]
    pub max_items: u32,

    /// The most bytes that a user's operations keep for undo, likewise
    #[arg(
        long = "max-undo-bytes",
        env = "DOSSIER_MAX_UNDO_BYTES",
        global = true,
        default_value = "2GiB",
        value_name = "SIZE",
        value_parser = values::parse_some_bytes
    )]
    pub max_undo_bytes: ByteSize,
}

impl OperationSettings {
    /// The defaults.
    #[must_use]
    pub const fn limits(&self) -> OperationLimits {
        OperationLimits {
            open: self.max_open,
            kept: self.max_kept,
            items: self.max_items,
            before: self.max_undo_bytes,
        }
    }
}
