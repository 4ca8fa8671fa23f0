//! The header fields that tell of a limit (draft-ietf-httpapi-ratelimit-headers): structured
//! fields with one item, the name of the policy.

use domain::Rate;
use poem::http::HeaderName;
use std::time::Duration;

/// What is left of the quota, and when it is whole again.
pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// The quota, and the seconds that it is for.
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The value of `RateLimit-Policy`.
pub(super) fn policy(name: &str, rate: Rate) -> String {
    format!("\"{name}\";q={};w={}", rate.count, rate.window.as_secs())
}

/// The value of `RateLimit`.
pub(super) fn state(name: &str, remaining: u32, reset: Duration) -> String {
    format!("\"{name}\";r={remaining};t={}", seconds(reset))
}

/// Whole seconds, after which it is surely over.
pub(super) fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
