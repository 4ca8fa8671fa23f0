//! The groups of settings in `--help`, in its order.

pub const PLACES: &str = "Where things are";
pub const NETWORK: &str = "Network";
pub const IDENTITY: &str = "Identity";
pub const LIMITS: &str = "Limits";
pub const TYPES: &str = "Media types";
pub const WEBHOOKS: &str = "Webhooks";
pub const RETENTION: &str = "Retention";
pub const JOBS: &str = "Jobs and workers";
pub const LOGS: &str = "Logs and traces";
