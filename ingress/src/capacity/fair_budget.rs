//! A budget of the whole process, of which no account has more than its share. What is taken is
//! given back when it is dropped.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Account;

/// How many units there are, and how many of them one account may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shares {
    /// Of everybody.
    pub(super) total: u32,
    /// Of an address whose users are not known.
    pub(super) address: u32,
    /// Of a user.
    pub(super) user: u32,
}

/// The budget; clones share it.
#[derive(Clone, Debug)]
pub(super) struct FairBudget(Arc<Books>);

#[derive(Debug)]
struct Books {
    shares: Shares,
    total: Arc<Semaphore>,
    accounts: Mutex<HashMap<Account, Arc<Semaphore>>>,
}

/// Why nothing was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spent {
    /// The account has its share.
    Share,
    /// Everything is taken.
    Total,
}

/// Units that are taken until this is dropped.
pub struct Taken {
    books: Arc<Books>,
    account: Account,
    of_share: Option<OwnedSemaphorePermit>,
    of_total: Option<OwnedSemaphorePermit>,
}

impl FairBudget {
    pub(super) fn new(shares: Shares) -> Self {
        Self(Arc::new(Books {
            shares,
            total: Arc::new(Semaphore::new(shares.total as usize)),
            accounts: Mutex::default(),
        }))
    }

    /// Takes units if they are there. What is more than the share of an account counts as its
    /// whole share: it gets that when it has nothing else.
    pub(super) fn try_take(&self, account: Account, units: u32) -> Result<Taken, Spent> {
        let units = units.min(self.0.share_of(account));
        let mut taken = Taken::nothing(&self.0, account);
        let of_share = self.0.semaphore_of(account).try_acquire_many_owned(units);
        taken.of_share = Some(of_share.map_err(|_| Spent::Share)?);
        let of_total = Arc::clone(&self.0.total).try_acquire_many_owned(units);
        taken.of_total = Some(of_total.map_err(|_| Spent::Total)?);
        Ok(taken)
    }

    /// Waits until the units are there: behind others of the account, then behind everybody.
    /// `None` if the budget is closed, which it never is.
    pub(super) async fn take(&self, account: Account, units: u32) -> Option<Taken> {
        let units = units.min(self.0.share_of(account));
        let mut taken = Taken::nothing(&self.0, account);
        let of_share = self.0.semaphore_of(account).acquire_many_owned(units);
        taken.of_share = Some(of_share.await.ok()?);
        let of_total = Arc::clone(&self.0.total).acquire_many_owned(units);
        taken.of_total = Some(of_total.await.ok()?);
        Some(taken)
    }

    /// How many units are taken.
    pub(super) fn taken(&self) -> u32 {
        let left = u32::try_from(self.0.total.available_permits()).unwrap_or(u32::MAX);
        self.0.shares.total.saturating_sub(left)
    }
}

impl Books {
    const fn share_of(&self, account: Account) -> u32 {
        match account {
            Account::Address(_) | Account::Claimant(_) => self.shares.address,
            Account::User(_) => self.shares.user,
        }
    }

    fn semaphore_of(&self, account: Account) -> Arc<Semaphore> {
        let share = self.share_of(account) as usize;
        let mut accounts = self.lock();
        let semaphore = accounts
            .entry(account)
            .or_insert_with(|| Arc::new(Semaphore::new(share)));
        Arc::clone(semaphore)
    }

    /// Forgets an account that nobody takes anything for.
    fn tidy(&self, account: Account) {
        let mut accounts = self.lock();
        if accounts
            .get(&account)
            .is_some_and(|share| Arc::strong_count(share) == 1)
        {
            accounts.remove(&account);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Account, Arc<Semaphore>>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn nothing(books: &Arc<Books>, account: Account) -> Self {
        Self {
            books: Arc::clone(books),
            account,
            of_share: None,
            of_total: None,
        }
    }

    /// How many units these are.
    fn units(&self) -> usize {
        let permits = self.of_total.as_ref();
        permits.map_or(0, OwnedSemaphorePermit::num_permits)
    }

    /// Gives back what is beyond `units`.
    pub(super) fn shrink_to(&mut self, units: u32) {
        let beyond = self.units().saturating_sub(units as usize);
        for permit in [&mut self.of_share, &mut self.of_total] {
            drop(permit.as_mut().and_then(|permit| permit.split(beyond)));
        }
    }

    /// Charges them to another account, if its share allows.
    pub(super) fn move_to(&mut self, account: Account) -> Result<(), Spent> {
        if self.account == account {
            return Ok(());
        }
        let units = u32::try_from(self.units()).unwrap_or(u32::MAX);
        let share = self.books.semaphore_of(account);
        let of_share = share.try_acquire_many_owned(units);
        self.of_share = Some(of_share.map_err(|_| Spent::Share)?);
        let before = std::mem::replace(&mut self.account, account);
        self.books.tidy(before);
        Ok(())
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.of_total = None;
        self.of_share = None;
        self.books.tidy(self.account);
    }
}

impl fmt::Debug for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Taken({} of {:?})", self.units(), self.account)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use domain::UserId;
    use futures::FutureExt;
    use uuid::Uuid;

    use super::*;

    const ALICE: Account = Account::User(UserId(Uuid::from_u128(1)));
    const BOB: Account = Account::User(UserId(Uuid::from_u128(2)));

    fn budget() -> FairBudget {
        FairBudget::new(Shares {
            total: 10,
            address: 2,
            user: 6,
        })
    }

    fn address() -> Account {
        Account::Address(IpAddr::from([192, 0, 2, 1]))
    }

    #[test]
    fn nobody_has_more_than_a_share() {
        let budget = budget();
        let alice = budget.try_take(ALICE, 6).unwrap();
        assert_eq!(budget.try_take(ALICE, 1).unwrap_err(), Spent::Share);
        let bob = budget.try_take(BOB, 4).unwrap();
        assert_eq!(budget.try_take(BOB, 1).unwrap_err(), Spent::Total);
        assert_eq!(budget.taken(), 10);
        drop((alice, bob));
        assert_eq!(budget.taken(), 0);
        assert!(budget.0.lock().is_empty(), "accounts are forgotten");
    }

    #[test]
    fn more_than_a_share_counts_as_the_whole_share() {
        let budget = budget();
        let whole = budget.try_take(ALICE, 1_000).unwrap();
        assert_eq!(budget.taken(), 6);
        drop(whole);
        assert_eq!(budget.taken(), 0);
    }

    #[test]
    fn what_is_known_to_be_a_users_is_no_more_of_the_address() {
        let budget = budget();
        let mut first = budget.try_take(address(), 2).unwrap();
        assert_eq!(budget.try_take(address(), 1).unwrap_err(), Spent::Share);
        first.move_to(ALICE).unwrap();
        let mut second = budget.try_take(address(), 1).unwrap();
        drop(budget.try_take(ALICE, 4).unwrap());
        let rest = budget.try_take(ALICE, 4).unwrap();
        assert_eq!(second.move_to(ALICE).unwrap_err(), Spent::Share);
        assert_eq!(budget.taken(), 7);
        drop((first, second, rest));
        assert!(budget.0.lock().is_empty());
    }

    #[test]
    fn what_is_not_needed_after_all_is_given_back() {
        let budget = budget();
        let mut taken = budget.try_take(ALICE, 6).unwrap();
        taken.shrink_to(2);
        assert_eq!(budget.taken(), 2);
        taken.shrink_to(5);
        assert_eq!(budget.taken(), 2);
    }

    #[test]
    fn who_waits_holds_up_nobody_of_another_account() {
        let budget = budget();
        let alice = budget.try_take(ALICE, 6).unwrap();
        let mut waiting = Box::pin(budget.take(ALICE, 2));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(budget.take(BOB, 4).now_or_never().is_some());
        drop(alice);
        assert!(waiting.as_mut().now_or_never().is_some());
        drop(waiting);
        assert!(budget.0.lock().is_empty());
    }
}
