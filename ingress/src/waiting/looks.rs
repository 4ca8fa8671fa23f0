//! When all that is awaited is looked at: for some seconds after something changed, and now and then
//! without a change.

use std::time::Duration;

use tokio::time::Instant;

/// How long it is looked at after a change: a transaction with an earlier number may commit later.
const LINGER: Duration = Duration::from_secs(5);
/// How often it is looked at without any.
const IDLE: Duration = Duration::from_secs(10);

/// The newest change that is known, of type `T`, and when all was looked at.
#[derive(Debug)]
pub struct Looks<T> {
    newest: Option<T>,
    changed: Instant,
    looked: Instant,
}

impl<T> Default for Looks<T> {
    fn default() -> Self {
        Self {
            newest: None,
            changed: Instant::now(),
            looked: Instant::now(),
        }
    }
}

impl<T: PartialEq> Looks<T> {
    /// Whether to look at all of it now, while `newest` is the newest change.
    pub fn is_due(&mut self, newest: T) -> bool {
        self.is_due_at(Instant::now(), newest)
    }

    fn is_due_at(&mut self, now: Instant, newest: T) -> bool {
        if self.newest.as_ref() != Some(&newest) {
            self.newest = Some(newest);
            self.changed = now;
        }
        let is_due = now - self.changed < LINGER || now - self.looked >= IDLE;
        if is_due {
            self.looked = now;
        }
        is_due
    }

    /// Nothing has changed since `newest` for long, and all was looked at right now.
    #[cfg(test)]
    pub(crate) fn at_rest(newest: T) -> Self {
        Self {
            newest: Some(newest),
            changed: Instant::now() - LINGER,
            looked: Instant::now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of the looks of the next seconds are due, of one a second.
    fn due(looks: &mut Looks<u32>, now: &mut Instant, (newest, seconds): (u32, usize)) -> usize {
        let each = (0..seconds).map(|_| {
            *now += Duration::from_secs(1);
            looks.is_due_at(*now, newest)
        });
        each.filter(|is_due| *is_due).count()
    }

    #[test]
    fn looks_are_rare_while_nothing_changes() {
        let (mut looks, mut now) = (Looks::default(), Instant::now());
        assert_eq!(due(&mut looks, &mut now, (1, 5)), 5);
        assert_eq!(due(&mut looks, &mut now, (1, 100)), 10);
        assert_eq!(due(&mut looks, &mut now, (2, 5)), 5);
        assert_eq!(due(&mut looks, &mut now, (2, 9)), 0);
        // What was trimmed is a change as well.
        assert_eq!(due(&mut looks, &mut now, (1, 1)), 1);
    }
}
