//! When the timers of an idle process are due: all of them together, a few times a second, since most of
//! what a timer costs is waking the process for it alone. Never decides how often something is done.

use std::sync::LazyLock;
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// The time between two beats.
const BEAT: Duration = Duration::from_millis(250);

/// The last beat of the process within `wait`. A wait that is shorter than a beat ends in its own time.
#[must_use]
pub fn beat_within(wait: Duration) -> Instant {
    last_before(Instant::now(), wait)
}

/// Ticks of which the first is due at once, and the others at each multiple of `period` since the first
/// call in the process: those of equal periods together. Missed ticks are skipped.
///
/// # Panics
///
/// If `period` is zero.
#[must_use]
pub fn ticks(period: Duration) -> Ticks {
    let mut later = interval_at(first_multiple_after(Instant::now(), period), period);
    later.set_missed_tick_behavior(MissedTickBehavior::Skip);
    Ticks {
        is_first: true,
        later,
    }
}

/// The time until the next multiple of `period` since the first call in the process; never zero.
///
/// # Panics
///
/// If `period` is zero.
#[must_use]
pub fn until_next(period: Duration) -> Duration {
    let now = Instant::now();
    first_multiple_after(now, period).duration_since(now)
}

/// See [`ticks`].
#[derive(Debug)]
pub struct Ticks {
    is_first: bool,
    later: Interval,
}

impl Ticks {
    /// Waits for the next one. Cancelling it loses none.
    pub async fn tick(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.later.tick().await;
        }
    }
}

fn first() -> Instant {
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    *FIRST
}

fn last_before(now: Instant, wait: Duration) -> Instant {
    if wait <= BEAT {
        return now + wait;
    }
    let due = now.duration_since(first()) + wait;
    let beyond = due.subsec_nanos() % BEAT.subsec_nanos();
    first() + due - Duration::from_nanos(beyond.into())
}

fn first_multiple_after(now: Instant, period: Duration) -> Instant {
    // The first call of all begins the count.
    let now = now.max(first());
    let gone = now.duration_since(first()).as_nanos();
    let left = period.as_nanos() - gone % period.as_nanos();
    now + Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(15);

    #[test]
    fn timers_are_due_together_and_never_late() {
        let first = last_before(Instant::now(), LONG);
        for late in [0, 1, 100_000_000, 249_999_999] {
            let now = first + Duration::from_nanos(late);
            assert_eq!(last_before(now, LONG), first + LONG);
            assert_eq!(last_before(now, BEAT), now + BEAT);
        }
        assert_eq!(last_before(first + BEAT, LONG), first + BEAT + LONG);
    }

    #[test]
    fn ticks_that_begin_apart_are_due_together() {
        let period = Duration::from_secs(1);
        let due = first_multiple_after(Instant::now(), period);
        for early in [1, 250_000_000, 999_999_999] {
            let now = due - Duration::from_nanos(early);
            assert_eq!(first_multiple_after(now, period), due);
        }
        assert_eq!(first_multiple_after(due, period), due + period);
    }
}
