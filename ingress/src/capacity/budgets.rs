//! The budgets of a process, and how large they are.

use std::sync::Arc;

use telemetry::{Held, Meters};
use tokio::sync::Semaphore;

use super::fair_budget::{FairBudget, Shares};
use super::known_tokens::KnownTokens;
use super::process::Budgets;

/// Requests for health at once, beside all others: an orchestrator must be answered when
/// everything else is taken.
const HEALTH: usize = 64;
/// Tokens that are checked at once, of which nobody knows yet whether they are good: those who ask
/// with known ones share the connections to the database with them.
const CHECKS: u32 = 16;

/// How much there is of what requests share.
#[derive(Clone, Copy, Debug)]
pub struct CapacityLimits {
    /// Requests in flight, until the last byte of the answer has left.
    pub requests: u32,
    /// Those of one address whose users are not known.
    pub requests_per_address: u32,
    /// Bytes of answers in memory, in KiB: content on its way, and long JSON.
    pub answer_kibibytes: u32,
    /// Bytes of JSON bodies in memory, in KiB.
    pub body_kibibytes: u32,
}

impl CapacityLimits {
    /// Four hundred downloads at full speed, or as many long lists as make 256 MiB.
    pub const ANSWER_KIBIBYTES: u32 = 256 << 10;
    /// Six of the largest bodies; what is decoded of them is a few times as much.
    pub const BODY_KIBIBYTES: u32 = 32 << 10;

    /// Limits for so many requests, of which those of one address, while their users are not
    /// known, are a quarter if nothing else is said.
    #[must_use]
    pub fn of_requests(requests: u32, per_address: Option<u32>) -> Self {
        Self {
            requests,
            requests_per_address: per_address
                .unwrap_or(requests / 4)
                .clamp(1, requests.max(1)),
            answer_kibibytes: Self::ANSWER_KIBIBYTES,
            body_kibibytes: Self::BODY_KIBIBYTES,
        }
    }
}

/// The budgets; clones share them.
#[derive(Clone, Debug)]
pub struct Capacity(pub(super) Arc<Budgets>);

impl Capacity {
    /// Budgets of these sizes. A user has half of the requests and a quarter of the bytes at most.
    #[must_use]
    pub fn new(limits: CapacityLimits, meters: Meters) -> Self {
        let bytes = |total: u32| {
            FairBudget::new(Shares {
                total,
                address: total / 4,
                user: total / 4,
            })
        };
        Self(Arc::new(Budgets {
            requests: FairBudget::new(Shares {
                total: limits.requests,
                address: limits.requests_per_address,
                user: (limits.requests / 2).max(1),
            }),
            health: Arc::new(Semaphore::new(HEALTH)),
            answers: bytes(limits.answer_kibibytes),
            bodies: bytes(limits.body_kibibytes),
            checks: FairBudget::new(Shares {
                // A quarter of the total is the class of those who are yet to be known.
                total: 4 * CHECKS,
                address: CHECKS,
                user: CHECKS,
            }),
            known: KnownTokens::default(),
            meters,
        }))
    }

    /// What counts what becomes of requests.
    #[must_use]
    pub fn meters(&self) -> &Meters {
        &self.0.meters
    }

    /// Has the meters show how much is taken.
    pub fn show(&self) {
        let budgets = &*self.0;
        let bytes = |budget: &FairBudget| u64::from(budget.taken()) << 10;
        let meters = &budgets.meters;
        meters.held(Held::Requests, budgets.requests.taken().into());
        meters.held(Held::AnswerBytes, bytes(&budgets.answers));
        meters.held(Held::BodyBytes, bytes(&budgets.bodies));
    }
}
