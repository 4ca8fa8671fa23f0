//! Limits how fast an audit or a move reads, so that it leaves storage to users.

use std::time::Duration;

use domain::ByteSize;
use tokio::time::{Instant, sleep_until};

/// How far a reader may be ahead of its rate before it sleeps.
const AHEAD: Duration = Duration::from_millis(100);

/// A rate in bytes per second.
#[derive(Debug)]
pub struct Pace {
    bytes_per_second: u64,
    /// When the bytes read so far would have been read at this rate.
    due: Instant,
}

impl Pace {
    /// Creates a limit of `bytes` per second.
    pub fn of(rate: ByteSize) -> Self {
        Self {
            bytes_per_second: rate.bytes().max(1),
            due: Instant::now(),
        }
    }

    /// Sleeps as long as reading `bytes` more requires.
    pub async fn keep(&mut self, bytes: usize) {
        if let Some(due) = self.rest_until(bytes, Instant::now()) {
            sleep_until(due).await;
        }
    }

    /// Returns until when a reader sleeps that has read `bytes` more by `now`; `None` if it may
    /// continue.
    fn rest_until(&mut self, bytes: usize, now: Instant) -> Option<Instant> {
        let micros = (bytes as u64).saturating_mul(1_000_000) / self.bytes_per_second;
        // Unused time does not accumulate.
        self.due = self.due.max(now) + Duration::from_micros(micros);
        Some(self.due).filter(|due| *due > now + AHEAD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_their_time() {
        let begun = Instant::now();
        let mut pace = Pace {
            bytes_per_second: 1_000,
            due: begun,
        };
        assert_eq!(pace.rest_until(50, begun), None);
        let half = begun + Duration::from_millis(550);
        assert_eq!(pace.rest_until(500, begun), Some(half));
        let later = begun + Duration::from_mins(1);
        let rested = later + Duration::from_millis(500);
        assert_eq!(pace.rest_until(500, later), Some(rested));
    }
}
