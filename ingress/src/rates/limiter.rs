//! A rate limiter for many keys in bounded memory.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::Rate;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// The most keys with their own bucket of a few dozen bytes.
const MOST_KEYS: usize = 100_000;
/// The buckets that all further keys share.
const SHARED: u64 = 1_024;
/// How many further keys come between sweeps of unused buckets.
const SWEEP: u64 = 10_000;

/// The remaining quota of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// Requests allowed immediately.
    pub(super) remaining: u32,
    /// When the quota is full again.
    pub(super) whole_in: Duration,
}

/// When a key may try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exceeded(pub(super) Duration);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Bucket<K> {
    Own(K),
    Shared(u64),
}

/// Limits by the generic cell rate algorithm.
pub(super) struct Limiter<K: Hash + Eq + Clone> {
    buckets: RateLimiter<
        Bucket<K>,
        HashMapStateStore<Bucket<K>>,
        DefaultClock,
        StateInformationMiddleware,
    >,
    rate: Rate,
    clock: DefaultClock,
    hasher: RandomState,
    further: AtomicU64,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    pub(super) fn new(rate: Rate) -> Self {
        // The period of a valid rate is at least a microsecond.
        let quota = Quota::with_period(rate.period()).unwrap_or(Quota::per_second(rate.count));
        let buckets = RateLimiter::hashmap(quota.allow_burst(rate.count));
        Self {
            buckets: buckets.with_middleware(),
            rate,
            clock: DefaultClock::default(),
            hasher: RandomState::new(),
            further: AtomicU64::new(0),
        }
    }

    pub(super) const fn rate(&self) -> Rate {
        self.rate
    }

    /// Counts one request of `key`, unless it exceeds the limit.
    pub(super) fn check(&self, key: &K) -> Result<Left, Exceeded> {
        match self.buckets.check_key(&self.bucket(key)) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let spent = self.rate.count.get().saturating_sub(remaining);
                Ok(Left {
                    remaining,
                    whole_in: self.rate.period() * spent,
                })
            }
            Err(not_until) => Err(Exceeded(not_until.wait_time_from(self.clock.now()))),
        }
    }

    fn bucket(&self, key: &K) -> Bucket<K> {
        if self.buckets.len() >= MOST_KEYS {
            if self
                .further
                .fetch_add(1, Ordering::Relaxed)
                .is_multiple_of(SWEEP)
            {
                // A full bucket is equivalent to a new one.
                self.buckets.retain_recent();
            }
            if self.buckets.len() >= MOST_KEYS {
                return Bucket::Shared(self.hasher.hash_one(key) % SHARED);
            }
        }
        Bucket::Own(key.clone())
    }

    /// How many buckets there are.
    #[cfg(test)]
    pub(super) fn buckets(&self) -> usize {
        self.buckets.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_is_held_to_its_rate_and_no_other_is() {
        let limiter = Limiter::new("3/h".parse().unwrap());
        for remaining in [2, 1, 0] {
            assert_eq!(limiter.check(&1).unwrap().remaining, remaining);
        }
        let Exceeded(wait) = limiter.check(&1).unwrap_err();
        assert!(
            wait > Duration::from_mins(19) && wait <= Duration::from_mins(20),
            "{wait:?}"
        );
        assert_eq!(limiter.check(&2).unwrap().remaining, 2);
    }

    #[test]
    fn however_many_come_memory_is_bounded() {
        let limiter = Limiter::new("2/h".parse().unwrap());
        for key in 0..MOST_KEYS + 5_000 {
            let _ = limiter.check(&key);
        }
        assert!(
            limiter.buckets() <= MOST_KEYS + 1_024,
            "{}",
            limiter.buckets()
        );
    }
}
