//! The budgets of a process and their sizes.

use std::sync::Arc;

use domain::UserId;
use telemetry::{Held, Meters};
use tokio::sync::Semaphore;

use super::Account;
use super::fair_budget::{FairBudget, Shares, Taken};
use super::known_tokens::KnownTokens;
use super::process::Budgets;
use crate::problem::Problem;

/// Concurrent health checks beyond all other requests: an orchestrator must be answered even when
/// everything else is in use.
const HEALTH: usize = 64;
/// Files of a request: its connection, and one that it reads or writes; beside a file that grows there
/// is one with its fence.
pub const FILES_OF_REQUEST: u32 = 3;
/// Files of a stream of events: its connection.
pub const FILES_OF_STREAM: u32 = 1;
/// Concurrent checks of unknown tokens, which share database connections with known users.
const CHECKS: u32 = 16;

/// The sizes of the budgets.
#[derive(Clone, Copy, Debug)]
pub struct CapacityLimits {
    /// Requests in flight, until the last byte of the response is sent. Streams of events in place of
    /// one are as many as its files.
    pub requests: u32,
    /// Readers of feeds who wait.
    pub readers: u32,
    /// Unauthenticated requests in flight of one address.
    pub requests_per_address: u32,
    /// Response bytes in memory, in KiB: content and long JSON.
    pub answer_kibibytes: u32,
    /// JSON request bytes in memory, in KiB.
    pub body_kibibytes: u32,
}

impl CapacityLimits {
    /// Four hundred downloads at full speed, or 256 MiB of long lists.
    pub const ANSWER_KIBIBYTES: u32 = 256 << 10;
    /// Six of the largest bodies; decoded, they take a few times as much.
    pub const BODY_KIBIBYTES: u32 = 32 << 10;

    /// Returns the limits for `requests`, half of which may read feeds; by default one address has a
    /// quarter of them unauthenticated.
    #[must_use]
    pub fn of_requests(requests: u32, per_address: Option<u32>) -> Self {
        Self {
            requests,
            readers: (requests / 2).max(1),
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
    /// Creates budgets of these sizes. A user has at most half of the requests and readers, and a
    /// quarter of the bytes.
    #[must_use]
    pub fn new(limits: CapacityLimits, meters: Meters) -> Self {
        let bytes = |total: u32| {
            FairBudget::new(Shares {
                total,
                address: total / 4,
                user: total / 4,
                least: 1,
            })
        };
        let files = |requests: u32| requests.max(1).saturating_mul(FILES_OF_REQUEST);
        Self(Arc::new(Budgets {
            requests: FairBudget::new(Shares {
                total: files(limits.requests),
                address: files(limits.requests_per_address),
                user: files(limits.requests / 2),
                least: FILES_OF_REQUEST,
            }),
            health: Arc::new(Semaphore::new(HEALTH)),
            answers: bytes(limits.answer_kibibytes),
            bodies: bytes(limits.body_kibibytes),
            checks: FairBudget::new(Shares {
                // The class of unchecked tokens has a quarter of the total.
                total: 4 * CHECKS,
                address: CHECKS,
                user: CHECKS,
                least: 1,
            }),
            // A part of the requests, so that who reads feeds can still ask.
            readers: FairBudget::new(Shares {
                total: limits.readers,
                address: 1,
                user: (limits.readers / 2).max(1),
                least: 1,
            }),
            known: KnownTokens::default(),
            meters,
        }))
    }

    /// Admits a reader of a feed who waits for events, or refuses it: a user has at most half of the
    /// places of all.
    pub fn admit_reader(&self, user: UserId) -> Result<Taken, Problem> {
        let account = Account::User(user);
        let seat = self.0.readers.try_take(account, 1);
        seat.map_err(|spent| self.0.refuse(account, spent))
    }

    /// Returns the metrics.
    #[must_use]
    pub fn meters(&self) -> &Meters {
        &self.0.meters
    }

    /// Updates the metrics.
    pub fn show(&self) {
        let budgets = &*self.0;
        let bytes = |budget: &FairBudget| u64::from(budget.taken()) << 10;
        let meters = &budgets.meters;
        meters.held(Held::Requests, budgets.requests.holders().into());
        meters.held(Held::AnswerBytes, bytes(&budgets.answers));
        meters.held(Held::BodyBytes, bytes(&budgets.bodies));
        meters.held(Held::EventReaders, budgets.readers.taken().into());
    }
}
