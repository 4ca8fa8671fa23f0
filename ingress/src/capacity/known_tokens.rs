//! Remembers recently valid tokens, so that requests with them are charged to their user from the
//! start. It authenticates nobody: each request's token is still checked.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::{Sha256, UserId};

/// Tokens in one generation; two are kept.
const GENERATION: usize = 16_384;

/// Digests of tokens with their users. The oldest are evicted.
#[derive(Debug, Default)]
pub(super) struct KnownTokens(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    new: HashMap<Sha256, UserId>,
    old: HashMap<Sha256, UserId>,
}

impl KnownTokens {
    pub(super) fn user_of(&self, token: Sha256) -> Option<UserId> {
        let generations = self.lock();
        let known = generations.new.get(&token);
        known.or_else(|| generations.old.get(&token)).copied()
    }

    pub(super) fn remember(&self, token: Sha256, user: UserId) {
        let mut generations = self.lock();
        if generations.new.get(&token) == Some(&user) {
            return;
        }
        if generations.new.len() >= GENERATION {
            generations.old = std::mem::take(&mut generations.new);
        }
        generations.new.insert(token, user);
    }

    pub(super) fn forget(&self, token: Sha256) {
        let mut generations = self.lock();
        generations.new.remove(&token);
        generations.old.remove(&token);
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let known = KnownTokens::default();
        let token = |number: usize| Sha256::of(&number.to_be_bytes());
        let user = UserId(Uuid::from_u128(1));
        for number in 0..3 * GENERATION {
            known.remember(token(number), user);
        }
        assert_eq!(known.user_of(token(0)), None);
        assert_eq!(known.user_of(token(3 * GENERATION - 1)), Some(user));
        known.forget(token(3 * GENERATION - 1));
        assert_eq!(known.user_of(token(3 * GENERATION - 1)), None);
        let generations = known.lock();
        assert!(generations.new.len() + generations.old.len() <= 2 * GENERATION);
    }
}
