//! The rate-limit header fields (draft-ietf-httpapi-ratelimit-headers): structured fields with one
//! item, the name of the policy.

use std::time::Duration;

use domain::Rate;
use poem::http::HeaderName;
use sfv::{Integer, ItemSerializer, KeyRef, string_ref};

/// The remaining quota, and when it is full again.
pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// The quota and its window in seconds.
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The value of `RateLimit-Policy`.
pub(super) fn policy(name: &'static str, rate: Rate) -> String {
    item(
        name,
        [("q", rate.count.get().into()), ("w", rate.window.as_secs())],
    )
}

/// The value of `RateLimit`.
pub(super) fn state(name: &'static str, remaining: u32, reset: Duration) -> String {
    item(name, [("r", remaining.into()), ("t", seconds(reset))])
}

fn item(name: &'static str, parameters: [(&'static str, u64); 2]) -> String {
    let item = ItemSerializer::new().bare_item(string_ref(name));
    parameters
        .into_iter()
        .fold(item, |item, (key, value)| {
            let value = Integer::try_from(value).unwrap_or(Integer::MAX);
            item.parameter(KeyRef::constant(key), value)
        })
        .finish()
}

/// Rounds up to whole seconds.
pub(super) fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_structured_fields() {
        let rate = Rate {
            count: 100.try_into().unwrap(),
            window: Duration::from_mins(1),
        };
        assert_eq!(policy("users", rate), "\"users\";q=100;w=60");
        let reset = Duration::from_millis(1500);
        assert_eq!(state("users", 0, reset), "\"users\";r=0;t=2");
    }
}
