//! A process-wide budget with adaptive fairness: an account may hold as much as it leaves free, so
//! that k greedy accounts leave room for another. Units are released on drop.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::sleep;

use super::Account;
use super::account::{Class, Site};

#[cfg(test)]
mod tests;

/// The share of a class's units that is always granted to accounts without more.
const GUARANTEED: u32 = 256;
/// How often a waiter checks for units of others.
const RETRY: Duration = Duration::from_millis(50);

/// The total units, and the most of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shares {
    /// In total.
    pub(super) total: u32,
    /// For an unauthenticated address.
    pub(super) address: u32,
    /// For a user.
    pub(super) user: u32,
    /// Of what is smallest, which is granted as long as there is any.
    pub(super) least: u32,
}

/// The budget; clones share it.
#[derive(Clone, Debug)]
pub(super) struct FairBudget(Arc<Books>);

#[derive(Debug)]
struct Books {
    shares: Shares,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: u32,
    holders: u32,
    classes: [u32; 3],
    accounts: HashMap<Account, Entry>,
    sites: HashMap<Site, u32>,
}

/// The units and waiters of an account.
#[derive(Debug)]
struct Entry {
    held: u32,
    waiting: u32,
    queue: Arc<Queue>,
}

/// The waiters of an account: one of them polls for free units.
#[derive(Debug)]
struct Queue {
    turn: Semaphore,
    freed: Notify,
}

/// Why units were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spent {
    /// The account has its share.
    Share,
    /// The budget, or that of its class, is used up.
    Total,
}

/// Units held until drop.
pub struct Taken {
    books: Arc<Books>,
    account: Account,
    units: u32,
}

impl FairBudget {
    pub(super) fn new(shares: Shares) -> Self {
        Self(Arc::new(Books {
            shares,
            state: Mutex::default(),
        }))
    }

    /// Takes units if available. A request above the account's share counts as the whole share.
    pub(super) fn try_take(&self, account: Account, units: u32) -> Result<Taken, Spent> {
        let units = units.min(self.0.shares.of(account));
        let mut state = self.0.lock();
        state.judge(&self.0.shares, account, units, units)?;
        state.taken += units;
        state.holders += 1;
        state.hold(account, units);
        drop(state);
        Ok(Taken {
            books: Arc::clone(&self.0),
            account,
            units,
        })
    }

    /// Waits for units: one waiter of an account at a time, never behind another account.
    pub(super) async fn take(&self, account: Account, units: u32) -> Taken {
        if let Ok(taken) = self.try_take(account, units) {
            return taken;
        }
        let waiting = Waiting::enter(&self.0, account);
        // It is never closed.
        let _turn = waiting.queue.turn.acquire().await;
        loop {
            let mut freed = std::pin::pin!(waiting.queue.freed.notified());
            freed.as_mut().enable();
            if let Ok(taken) = self.try_take(account, units) {
                return taken;
            }
            tokio::select! {
                () = freed => {}
                () = sleep(RETRY) => {}
            }
        }
    }

    /// Returns the units in use.
    pub(super) fn taken(&self) -> u32 {
        self.0.lock().taken
    }

    /// Returns how many have units.
    pub(super) fn holders(&self) -> u32 {
        self.0.lock().holders
    }

    /// Returns how much of its class's budget is used, in percent.
    pub(super) fn fill(&self, class: Class) -> u32 {
        let taken = self.0.lock().classes[class as usize];
        let most = u64::from(self.0.shares.of_class(class));
        u32::try_from(u64::from(taken) * 100 / most).unwrap_or(100)
    }
}

impl Shares {
    /// Unauthenticated requests have half of everything, unchecked tokens a quarter; the rest is
    /// reserved for users.
    fn of_class(&self, class: Class) -> u32 {
        match class {
            Class::Strangers => (self.total / 2).max(self.least),
            Class::Claimants => (self.total / 4).max(self.least),
            Class::Users => self.total.max(self.least),
        }
    }

    fn of(&self, account: Account) -> u32 {
        let most = match account {
            Account::Address(_) | Account::Claimant(_) => self.address,
            Account::User(_) => self.user,
        };
        most.min(self.of_class(account.class())).max(self.least)
    }
}

impl State {
    /// Checks whether an account may have more units, `fresh` of which were free.
    fn judge(
        &self,
        shares: &Shares,
        account: Account,
        units: u32,
        fresh: u32,
    ) -> Result<(), Spent> {
        let most = shares.of_class(account.class());
        let of_class = self.classes[account.class() as usize];
        let free = shares.total.checked_sub(self.taken + fresh);
        let free = free.zip(most.checked_sub(of_class + units));
        let (in_all, in_class) = free.ok_or(Spent::Total)?;
        let (free, guaranteed) = (in_all.min(in_class), (most / GUARANTEED).max(shares.least));
        let is_fair = |held: u32, share: u32, times: u32| {
            held <= share.saturating_mul(times)
                && (held <= guaranteed.saturating_mul(times) || held <= free.saturating_mul(times))
        };
        let share = shares.of(account);
        let held = self.accounts.get(&account).map_or(0, |entry| entry.held);
        let of_site = account.site().map_or(0, |site| {
            self.sites.get(&site).map_or(units, |held| held + units)
        });
        // A site may be many subscribers, so it has twice the share of one address.
        let fair = is_fair(held + units, share, 1) && is_fair(of_site, share, 2);
        fair.then_some(()).ok_or(Spent::Share)
    }

    fn hold(&mut self, account: Account, units: u32) {
        self.classes[account.class() as usize] += units;
        self.entry(account).held += units;
        if let Some(site) = account.site() {
            *self.sites.entry(site).or_default() += units;
        }
    }

    fn release(&mut self, account: Account, units: u32) {
        let of_class = &mut self.classes[account.class() as usize];
        *of_class = of_class.saturating_sub(units);
        if let Some(entry) = self.accounts.get_mut(&account) {
            entry.held = entry.held.saturating_sub(units);
            if entry.waiting > 0 {
                entry.queue.freed.notify_waiters();
            }
        }
        if let Some(site) = account.site() {
            lower(&mut self.sites, &site, units);
        }
        self.tidy(account);
    }

    fn entry(&mut self, account: Account) -> &mut Entry {
        self.accounts.entry(account).or_insert_with(|| Entry {
            held: 0,
            waiting: 0,
            queue: Arc::new(Queue {
                turn: Semaphore::new(1),
                freed: Notify::new(),
            }),
        })
    }

    /// Removes an account without units and waiters.
    fn tidy(&mut self, account: Account) {
        let entry = self.accounts.get(&account);
        if entry.is_some_and(|entry| entry.held == 0 && entry.waiting == 0) {
            self.accounts.remove(&account);
        }
    }
}

/// Decrements a count, and removes it at zero.
fn lower<K: Hash + Eq>(counts: &mut HashMap<K, u32>, key: &K, units: u32) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(units);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Books {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A waiter, until dropped.
struct Waiting {
    books: Arc<Books>,
    account: Account,
    queue: Arc<Queue>,
}

impl Waiting {
    fn enter(books: &Arc<Books>, account: Account) -> Self {
        let mut state = books.lock();
        let entry = state.entry(account);
        entry.waiting += 1;
        let queue = Arc::clone(&entry.queue);
        drop(state);
        Self {
            books: Arc::clone(books),
            account,
            queue,
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut state = self.books.lock();
        state.entry(self.account).waiting -= 1;
        state.tidy(self.account);
    }
}

impl Taken {
    /// Releases all but `units`.
    pub(super) fn shrink_to(&mut self, units: u32) {
        let beyond = self.units.saturating_sub(units);
        self.give_back(beyond);
    }

    /// Moves them to another account, if its share allows.
    pub(super) fn move_to(&mut self, account: Account) -> Result<(), Spent> {
        if self.account == account {
            return Ok(());
        }
        let mut state = self.books.lock();
        state.judge(&self.books.shares, account, self.units, 0)?;
        state.hold(account, self.units);
        state.release(self.account, self.units);
        drop(state);
        self.account = account;
        Ok(())
    }

    fn give_back(&mut self, units: u32) {
        if units == 0 {
            return;
        }
        self.units -= units;
        let mut state = self.books.lock();
        state.taken = state.taken.saturating_sub(units);
        state.release(self.account, units);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.give_back(self.units);
        let mut state = self.books.lock();
        state.holders = state.holders.saturating_sub(1);
    }
}

impl fmt::Debug for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Taken({} of {:?})", self.units, self.account)
    }
}
