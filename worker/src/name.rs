//! The name of a worker, unique for each start. Leases, timelines and the feed identify the worker
//! by it.

use std::sync::Arc;

use domain::{JobId, Timestamp};

/// Where Linux exposes the host name.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// Returns `{host}-{process}-{random}`: unique even for equal process numbers in two containers.
pub fn unique_name(now: Timestamp) -> Arc<str> {
    let host = std::fs::read_to_string(HOST_NAME).unwrap_or_default();
    let host = match host.trim() {
        "" => "worker",
        host => host,
    };
    // The second half of a UUIDv7 is random.
    let random = JobId::new(now).0.as_u128() & 0xffff_ffff;
    format!(
        "{host}-{process}-{random:08x}",
        process = std::process::id()
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_starts_have_the_same_name() {
        let now = Timestamp::from_micros(0);
        assert_ne!(unique_name(now), unique_name(now));
    }
}
