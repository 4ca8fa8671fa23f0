//! When the timers of idle streams are due: all of them together, a few times a second, since most of
//! what a timer costs is waking the process for it alone.

use std::sync::LazyLock;
use std::time::Duration;

use tokio::time::Instant;

/// The time between two beats.
const BEAT: Duration = Duration::from_millis(250);

/// The last beat of the process within `wait`. A wait that is shorter than a beat ends in its own time.
#[must_use]
pub fn beat_within(wait: Duration) -> Instant {
    last_before(Instant::now(), wait)
}

fn last_before(now: Instant, wait: Duration) -> Instant {
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    if wait <= BEAT {
        return now + wait;
    }
    let due = now.duration_since(*FIRST) + wait;
    let beyond = due.subsec_nanos() % BEAT.subsec_nanos();
    *FIRST + due - Duration::from_nanos(beyond.into())
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
}
