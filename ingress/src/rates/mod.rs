//! How often users and strangers may come, and how they are told (draft-ietf-httpapi-ratelimit-headers).

mod address;
mod fields;
mod limiter;
mod limits;

pub(crate) use address::Address;
pub(crate) use limits::{Allowed, RateLimits};
