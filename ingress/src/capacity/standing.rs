//! How long a peer may stall: users have the full timeout, unauthenticated peers less as their
//! budget fills up.

use std::sync::Arc;
use std::time::Duration;

use super::process::{Budgets, Scarcity};

/// The peer of a response.
#[derive(Clone, Debug)]
pub struct Standing {
    /// `None` for a user.
    pub(super) stranger_among: Option<Arc<Budgets>>,
}

/// The limits of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long it may stall.
    pub stall: Duration,
    /// The least average rate, in bytes per second, while it is waited for.
    pub rate: u32,
}

impl Standing {
    /// Returns the current limits of this peer, at most `stall`.
    #[must_use]
    pub fn patience(&self, stall: Duration) -> Patience {
        let Some(budgets) = &self.stranger_among else {
            return Patience { stall, rate: 0 };
        };
        // With a minute at most: ten seconds, five seconds.
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
