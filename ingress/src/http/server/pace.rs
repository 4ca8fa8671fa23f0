//! Measures how fast a peer reads, while it is waited for.

use std::time::Duration;

use tokio::time::Instant;

use crate::capacity::Patience;

/// Bytes read, and time waited for them.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Since when the peer has stalled.
    since: Option<Instant>,
    waited: Duration,
    taken: u64,
}

impl Pace {
    /// Starts waiting for the peer.
    pub(super) fn await_peer(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// Records that the peer read bytes; stops waiting.
    pub(super) fn took(&mut self, bytes: usize, now: Instant) {
        if let Some(since) = self.since.take() {
            self.waited += now.duration_since(since);
        }
        self.taken = self.taken.saturating_add(bytes as u64);
    }

    /// Returns how long the peer may still stall.
    pub(super) fn left(&self, patience: Patience, now: Instant) -> Duration {
        let Some(since) = self.since else {
            return patience.stall;
        };
        let waiting = now.duration_since(since);
        let left = patience.stall.saturating_sub(waiting);
        if patience.rate == 0 {
            return left;
        }
        let earned = self.taken.saturating_mul(1_000) / u64::from(patience.rate);
        let in_all = patience.stall + Duration::from_millis(earned);
        left.min(in_all.saturating_sub(self.waited + waiting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn who_takes_little_for_long_is_too_slow() {
        let patience = Patience {
            stall: 10 * SECOND,
            rate: 100,
        };
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        for _ in 0..10 {
            pace.await_peer(now);
            now += SECOND;
            pace.took(1, now);
        }
        pace.await_peer(now);
        assert!(pace.left(patience, now) < SECOND);
        let user = Patience {
            rate: 0,
            ..patience
        };
        assert_eq!(pace.left(user, now), 10 * SECOND);
        pace.took(10_000, now);
        assert_eq!(pace.left(patience, now), 10 * SECOND, "nobody waits");
        pace.await_peer(now);
        assert_eq!(pace.left(patience, now), 10 * SECOND);
        now += 11 * SECOND;
        assert_eq!(pace.left(patience, now), Duration::ZERO);
    }
}
