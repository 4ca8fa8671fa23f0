//! The budgets of this process, as tickets are charged to them.

use std::sync::Arc;

use telemetry::{Meters, Refused};
use tokio::sync::Semaphore;

use super::Account;
use super::fair_budget::{FairBudget, Spent};
use crate::problem::{Code, Problem};

/// What tickets are charged to.
#[derive(Debug)]
pub(super) struct Budgets {
    pub(super) requests: FairBudget,
    pub(super) health: Arc<Semaphore>,
    pub(super) answers: FairBudget,
    pub(super) bodies: FairBudget,
    pub(super) meters: Meters,
}

impl Budgets {
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
