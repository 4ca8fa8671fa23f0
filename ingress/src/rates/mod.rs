//! Rate limits of users and of addresses, and the header fields that state them
//! (draft-ietf-httpapi-ratelimit-headers).

mod address;
mod fields;
mod limiter;
mod limits;

pub(crate) use address::Address;
pub(crate) use limits::{Allowed, RateLimits};
