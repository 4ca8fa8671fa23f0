//! Limits of resumable uploads.

use std::time::Duration;

use clap::Args;
use domain::UploadLimits;

use super::values;

/// Settings of resumable uploads.
#[derive(Args, Clone, Copy, Debug)]
pub struct UploadSettings {
    /// How long to keep a resumable upload after its last byte
    #[arg(long, env = "DOSSIER_UPLOAD_EXPIRES", global = true, default_value = "24h",
        value_name = "DURATION", value_parser = values::parse_kept)]
    pub upload_expires: Duration,

    /// The most resumable uploads of a user that are open at once
    #[arg(long, env = "DOSSIER_MAX_OPEN_UPLOADS", global = true, default_value_t = 100,
        value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_open_uploads: u32,
}

impl UploadSettings {
    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> UploadLimits {
        UploadLimits {
            open: self.max_open_uploads,
            expires: self.upload_expires,
        }
    }
}
