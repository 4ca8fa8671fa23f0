//! The place of one request among all that are in flight. It travels with the request and its
//! answer; whoever needs memory for either asks it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::UserId;
use poem::Request;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::Account;
use super::fair_budget::{Spent, Taken};
use super::process::Budgets;
use crate::problem::Problem;

/// How long a body waits for room before its request is refused.
const PATIENCE: Duration = Duration::from_secs(20);

/// Clones are the same place. It is given up with the last one.
#[derive(Clone, Debug)]
pub struct Ticket(Arc<Place>);

#[derive(Debug)]
struct Place {
    budgets: Arc<Budgets>,
    seat: Mutex<Seat>,
}

#[derive(Debug)]
struct Seat {
    account: Account,
    /// `None` for what has a seat beside all others.
    taken: Option<Taken>,
    _health: Option<OwnedSemaphorePermit>,
}

impl Ticket {
    pub(super) fn new(budgets: Arc<Budgets>, account: Account, taken: Taken) -> Self {
        Self::seated(budgets, account, (Some(taken), None))
    }

    pub(super) fn of_health(
        budgets: Arc<Budgets>,
        account: Account,
        seat: OwnedSemaphorePermit,
    ) -> Self {
        Self::seated(budgets, account, (None, Some(seat)))
    }

    fn seated(
        budgets: Arc<Budgets>,
        account: Account,
        (taken, health): (Option<Taken>, Option<OwnedSemaphorePermit>),
    ) -> Self {
        Self(Arc::new(Place {
            budgets,
            seat: Mutex::new(Seat {
                account,
                taken,
                _health: health,
            }),
        }))
    }

    /// The place of a request; none if it didn't come over a connection.
    #[must_use]
    pub fn of(request: &Request) -> Option<&Self> {
        request.data()
    }

    /// Charges the request to its user, who is known now, and no more to the address.
    pub fn belongs_to(&self, user: UserId) -> Result<(), Problem> {
        self.charge_to(|_| Account::User(user))
    }

    /// Charges the request to its address as a stranger's, if no user was found for its token.
    pub fn settle(&self) -> Result<(), Problem> {
        self.charge_to(Account::as_stranger)
    }

    fn charge_to(&self, account: impl FnOnce(Account) -> Account) -> Result<(), Problem> {
        let mut seat = self.seat();
        let account = account(seat.account);
        if let Some(taken) = &mut seat.taken {
            taken
                .move_to(account)
                .map_err(|spent| self.0.budgets.refuse(account, spent))?;
        }
        seat.account = account;
        Ok(())
    }

    /// Room for an answer that lies in memory as a whole.
    pub fn try_hold_answer(&self, bytes: u64) -> Result<Taken, Problem> {
        let account = self.seat().account;
        let taken = self.0.budgets.answers.try_take(account, kibibytes(bytes));
        taken.map_err(|spent| self.0.budgets.refuse(account, spent))
    }

    /// Waits for room for the next bytes of an answer.
    pub async fn hold_answer(&self, bytes: u64) -> Option<Taken> {
        let account = self.seat().account;
        self.0.budgets.answers.take(account, kibibytes(bytes)).await
    }

    /// Waits for room for a body, for a moment.
    pub async fn hold_body(&self, bytes: u64) -> Result<Taken, Problem> {
        let account = self.seat().account;
        let room = self.0.budgets.bodies.take(account, kibibytes(bytes));
        match timeout(PATIENCE, room).await {
            Ok(Some(taken)) => Ok(taken),
            _ => Err(self.0.budgets.refuse(account, Spent::Share)),
        }
    }

    fn seat(&self) -> MutexGuard<'_, Seat> {
        self.0.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// These bytes, for which room was taken: it is given back with the last part of them.
    #[must_use]
    pub fn around(mut self, bytes: Bytes) -> Bytes {
        self.shrink_to(kibibytes(bytes.len() as u64));
        Bytes::from_owner(Accounted {
            bytes,
            _taken: self,
        })
    }
}

struct Accounted {
    bytes: Bytes,
    _taken: Taken,
}

impl AsRef<[u8]> for Accounted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn kibibytes(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX)
}
