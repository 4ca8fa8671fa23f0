//! How much patience the peer of an answer is owed: a user has all of it, a stranger less the more
//! strangers there are.

use std::sync::Arc;
use std::time::Duration;

use super::process::{Budgets, Scarcity};

/// Who takes an answer.
#[derive(Clone, Debug)]
pub struct Standing {
    /// `None` for a user.
    pub(super) stranger_among: Option<Arc<Budgets>>,
}

/// What the peer of an answer is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long it may take nothing.
    pub stall: Duration,
    /// Bytes a second that it must take in the long run, while it is waited for.
    pub rate: u32,
}

impl Standing {
    /// The patience with this peer now, where nobody is ever owed more than `stall`.
    #[must_use]
    pub fn patience(&self, stall: Duration) -> Patience {
        let Some(budgets) = &self.stranger_among else {
            return Patience { stall, rate: 0 };
        };
        // With a minute as the most: ten seconds, five seconds.
        let (part, rate) = match budgets.scarcity() {
            Scarcity::Plenty => (1, 1 << 10),
            Scarcity::Little => (6, 8 << 10),
            Scarcity::Nothing => (12, 32 << 10),
        };
        Patience {
            stall: stall / part,
            rate,
        }
    }
}
