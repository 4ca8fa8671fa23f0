//! Pauses between the tries of a request.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

/// The pause before the second try; doubled before each further one.
const FIRST: Duration = Duration::from_millis(250);

/// The longest pause that the client chooses.
const LONGEST: Duration = Duration::from_secs(10);

/// The longest pause that the service may ask for.
const LONGEST_ASKED: Duration = Duration::from_mins(1);

/// Waits after the failed try with this number, from 1: twice as long after each, with jitter, and at
/// least as long as the service asks.
pub(crate) async fn pause(attempt: u32, asked: Option<Duration>) {
    let usual = FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(8));
    let usual = usual.min(LONGEST);
    // Any hasher with random keys is a source of randomness.
    let random = RandomState::new().build_hasher().finish() % 1_000;
    let share = u32::try_from(random).unwrap_or_default();
    let jitter = usual.saturating_mul(share) / 2_000;
    let pause = match asked {
        Some(asked) => asked.min(LONGEST_ASKED) + jitter,
        None => usual / 2 + jitter,
    };
    tokio::time::sleep(pause).await;
}
