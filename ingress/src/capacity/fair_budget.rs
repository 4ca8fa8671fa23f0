//! A budget of the whole process, shared by fairness that adapts: an account may hold as much as it
//! leaves free, so that k greedy ones leave room for another in their midst. What is taken is given
//! back when it is dropped.

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

/// Of a class, one in so many units is granted to whoever has no more, while there is anything.
const GUARANTEED: u32 = 256;
/// Who waits for what others hold looks again after so long.
const RETRY: Duration = Duration::from_millis(50);

/// How many units there are, and how many of them one account may have at most.
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
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: u32,
    classes: [u32; 3],
    accounts: HashMap<Account, Entry>,
    sites: HashMap<Site, u32>,
}

/// What one account has, and who waits for it.
#[derive(Debug)]
struct Entry {
    held: u32,
    waiting: u32,
    queue: Arc<Queue>,
}

/// Those of an account who wait: one of them looks for what is free.
#[derive(Debug)]
struct Queue {
    turn: Semaphore,
    freed: Notify,
}

/// Why nothing was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spent {
    /// The account has its share.
    Share,
    /// Everything is taken, or all that its class may have.
    Total,
}

/// Units that are taken until this is dropped.
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

    /// Takes units if they are there. What is more than the share of an account counts as its
    /// whole share.
    pub(super) fn try_take(&self, account: Account, units: u32) -> Result<Taken, Spent> {
        let units = units.min(self.0.shares.of(account));
        let mut state = self.0.lock();
        state.judge(&self.0.shares, account, units, units)?;
        state.taken += units;
        state.hold(account, units);
        drop(state);
        Ok(Taken {
            books: Arc::clone(&self.0),
            account,
            units,
        })
    }

    /// Waits until the units are there: one of an account at a time, none behind another account.
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

    /// How many units are taken.
    pub(super) fn taken(&self) -> u32 {
        self.0.lock().taken
    }

    /// How much of what the class of an account may have is taken: in hundredths.
    pub(super) fn fill(&self, class: Class) -> u32 {
        let taken = self.0.lock().classes[class as usize];
        let most = u64::from(self.0.shares.of_class(class));
        u32::try_from(u64::from(taken) * 100 / most).unwrap_or(100)
    }
}

impl Shares {
    /// Strangers have half of everything together, and who is yet to be known a quarter: the rest
    /// is kept for those who are.
    fn of_class(&self, class: Class) -> u32 {
        match class {
            Class::Strangers => (self.total / 2).max(1),
            Class::Claimants => (self.total / 4).max(1),
            Class::Users => self.total.max(1),
        }
    }

    fn of(&self, account: Account) -> u32 {
        let most = match account {
            Account::Address(_) | Account::Claimant(_) => self.address,
            Account::User(_) => self.user,
        };
        most.min(self.of_class(account.class())).max(1)
    }
}

impl State {
    /// Whether an account may have so many units more, of which `fresh` were nobody's before.
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
        let (free, guaranteed) = (in_all.min(in_class), (most / GUARANTEED).max(1));
        let is_fair = |held: u32, share: u32, times: u32| {
            held <= share.saturating_mul(times)
                && (held <= guaranteed.saturating_mul(times) || held <= free.saturating_mul(times))
        };
        let share = shares.of(account);
        let held = self.accounts.get(&account).map_or(0, |entry| entry.held);
        let of_site = account.site().map_or(0, |site| {
            self.sites.get(&site).map_or(units, |held| held + units)
        });
        // A site may be many subscribers: all of them have twice what one has.
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

    /// Forgets an account that has nothing and waits for nothing.
    fn tidy(&mut self, account: Account) {
        let entry = self.accounts.get(&account);
        if entry.is_some_and(|entry| entry.held == 0 && entry.waiting == 0) {
            self.accounts.remove(&account);
        }
    }
}

/// Takes from a count, which is forgotten at zero.
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

/// One who waits, until it is dropped.
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
    /// Gives back what is beyond `units`.
    pub(super) fn shrink_to(&mut self, units: u32) {
        let beyond = self.units.saturating_sub(units);
        self.give_back(beyond);
    }

    /// Charges them to another account, if its share allows.
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
    }
}

impl fmt::Debug for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Taken({} of {:?})", self.units, self.account)
    }
}
