//! The budgets of this process and the tickets of its requests.

use std::sync::Arc;

use telemetry::{Meters, Refused};
use tokio::sync::Semaphore;

use super::Account;
use super::account::Class;
use super::fair_budget::{FairBudget, Spent};
use super::known_tokens::KnownTokens;
use crate::problem::{Code, Problem};

/// The use of the unauthenticated budget, in percent, above which little is left …
const LITTLE: u32 = 50;
/// … and above which next to nothing is left.
const NOTHING: u32 = 88;

/// The budgets that tickets are charged to.
#[derive(Debug)]
pub(super) struct Budgets {
    /// Requests in flight, counted by the files that they may open.
    pub(super) requests: FairBudget,
    pub(super) health: Arc<Semaphore>,
    pub(super) answers: FairBudget,
    pub(super) bodies: FairBudget,
    pub(super) checks: FairBudget,
    /// Readers of feeds who wait.
    pub(super) readers: FairBudget,
    pub(super) known: KnownTokens,
    pub(super) meters: Meters,
}

/// How much is left of the unauthenticated budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scarcity {
    /// More than half of it.
    Plenty,
    /// Less.
    Little,
    /// Next to nothing.
    Nothing,
}

impl Budgets {
    /// How much is left of the unauthenticated budget.
    pub(super) fn scarcity(&self) -> Scarcity {
        let fill = |budget: &FairBudget| budget.fill(Class::Strangers);
        match fill(&self.requests).max(fill(&self.answers)) {
            NOTHING.. => Scarcity::Nothing,
            LITTLE.. => Scarcity::Little,
            _ => Scarcity::Plenty,
        }
    }

    /// Counts and returns a refusal.
    pub(super) fn refuse(&self, account: Account, spent: Spent) -> Problem {
        self.meters.refused(match (spent, account) {
            (Spent::Total, _) => Refused::Process,
            (Spent::Share, Account::Address(_) | Account::Claimant(_)) => Refused::Address,
            (Spent::Share, Account::User(_)) => Refused::User,
        });
        Code::Overloaded.into()
    }
}
