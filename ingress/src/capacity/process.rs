//! The budgets of this process, as tickets are charged to them.

use std::sync::Arc;

use telemetry::{Meters, Refused};
use tokio::sync::Semaphore;

use super::Account;
use super::account::Class;
use super::fair_budget::{FairBudget, Spent};
use super::known_tokens::KnownTokens;
use crate::problem::{Code, Problem};

/// From so many hundredths of what strangers may have, there is little left for further ones …
const LITTLE: u32 = 50;
/// … and from so many, next to nothing.
const NOTHING: u32 = 88;

/// What tickets are charged to.
#[derive(Debug)]
pub(super) struct Budgets {
    pub(super) requests: FairBudget,
    pub(super) health: Arc<Semaphore>,
    pub(super) answers: FairBudget,
    pub(super) bodies: FairBudget,
    pub(super) checks: FairBudget,
    pub(super) known: KnownTokens,
    pub(super) meters: Meters,
}

/// How little is left of what strangers may have.
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
    /// How little is left of what strangers may have.
    pub(super) fn scarcity(&self) -> Scarcity {
        let fill = |budget: &FairBudget| budget.fill(Class::Strangers);
        match fill(&self.requests).max(fill(&self.answers)) {
            NOTHING.. => Scarcity::Nothing,
            LITTLE.. => Scarcity::Little,
            _ => Scarcity::Plenty,
        }
    }

    /// The refusal of what doesn't fit, which is counted.
    pub(super) fn refuse(&self, account: Account, spent: Spent) -> Problem {
        self.meters.refused(match (spent, account) {
            (Spent::Total, _) => Refused::Process,
            (Spent::Share, Account::Address(_) | Account::Claimant(_)) => Refused::Address,
            (Spent::Share, Account::User(_)) => Refused::User,
        });
        Code::Overloaded.into()
    }
}
