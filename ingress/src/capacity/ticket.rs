//! The ticket of a request in flight. It travels with the request and its response, and grants
//! memory for either.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::{Sha256, UserId};
use poem::Request;
use poem::http::header::AUTHORIZATION;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::account::Class;
use super::budgets::{Capacity, FILES_OF_REQUEST, FILES_OF_STREAM};
use super::fair_budget::{Spent, Taken};
use super::process::Budgets;
use super::{Account, Patience, Standing};
use crate::problem::Problem;

/// How long a body, a response or an unchecked token waits for capacity before the request is
/// refused.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a response waits for capacity before it starts, while a refusal can still be sent.
const BEFORE_ANSWER: Duration = Duration::from_secs(5);

/// Clones share the ticket, which is released with the last one.
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
    /// The ticket of a request without a connection.
    stranger: Account,
    /// The digest of the request's token.
    token: Option<Sha256>,
    is_proved: bool,
    /// `None` for health checks, which have their own slots.
    taken: Option<Taken>,
    _health: Option<OwnedSemaphorePermit>,
}

impl Capacity {
    /// Admits a request from `peer`, or refuses it.
    pub fn admit(&self, peer: SocketAddr, request: &Request) -> Result<Ticket, Problem> {
        let stranger = Account::of_peer(peer);
        let token = request.headers().get(AUTHORIZATION);
        let token = token.map(|token| Sha256::of(token.as_bytes()));
        // A recently valid token is charged to its user before it is checked again.
        let account = match token {
            Some(token) => match self.0.known.user_of(token) {
                Some(user) => Account::User(user),
                None => stranger.as_claimant(),
            },
            None => stranger,
        };
        let path = request.uri().path();
        if path.starts_with("/health/")
            && let Ok(seat) = Arc::clone(&self.0.health).try_acquire_owned()
        {
            return Ok(Ticket::of_health(Arc::clone(&self.0), stranger, seat));
        }
        match self.0.requests.try_take(account, FILES_OF_REQUEST) {
            Ok(seat) => Ok(Ticket::new(
                Arc::clone(&self.0),
                (stranger, account, token),
                seat,
            )),
            Err(spent) => Err(self.0.refuse(account, spent)),
        }
    }
}

impl Ticket {
    pub(super) fn new(
        budgets: Arc<Budgets>,
        (stranger, account, token): (Account, Account, Option<Sha256>),
        place: Taken,
    ) -> Self {
        let seat = Seat {
            account,
            stranger,
            token,
            is_proved: false,
            taken: Some(place),
            _health: None,
        };
        Self::seated(budgets, seat)
    }

    pub(super) fn of_health(
        budgets: Arc<Budgets>,
        stranger: Account,
        health: OwnedSemaphorePermit,
    ) -> Self {
        let seat = Seat {
            account: stranger,
            stranger,
            token: None,
            is_proved: false,
            taken: None,
            _health: Some(health),
        };
        Self::seated(budgets, seat)
    }

    fn seated(budgets: Arc<Budgets>, seat: Seat) -> Self {
        let seat = Mutex::new(seat);
        Self(Arc::new(Place { budgets, seat }))
    }

    /// Returns the ticket of a request; an empty one without a connection.
    #[must_use]
    pub fn of(request: &Request) -> Option<&Self> {
        request.data()
    }

    /// Waits for a slot to check an unknown token.
    pub async fn check_token(&self) -> Result<Option<Taken>, Problem> {
        let account = self.seat().account;
        if account.class() == Class::Users {
            return Ok(None);
        }
        let claimant = account.as_claimant();
        let turn = self.0.budgets.checks.take(claimant, 1);
        match timeout(PATIENCE, turn).await {
            Ok(turn) => Ok(Some(turn)),
            Err(_) => Err(self.0.budgets.refuse(account, Spent::Total)),
        }
    }

    /// Moves the charge from the address to the user.
    pub fn belongs_to(&self, user: UserId) -> Result<(), Problem> {
        let mut seat = self.seat();
        self.charge(&mut seat, Account::User(user))?;
        seat.is_proved = true;
        if let Some(token) = seat.token {
            self.0.budgets.known.remember(token, user);
        }
        Ok(())
    }

    /// Charges the request to its address as unauthenticated, if its token was refused or not
    /// checked.
    pub fn settle(&self, is_refused: bool) -> Result<(), Problem> {
        let mut seat = self.seat();
        if is_refused && let Some(token) = seat.token {
            self.0.budgets.known.forget(token);
        }
        if seat.is_proved || (!is_refused && seat.account.class() == Class::Users) {
            return Ok(());
        }
        let stranger = seat.stranger;
        self.charge(&mut seat, stranger)
    }

    fn charge(&self, seat: &mut Seat, account: Account) -> Result<(), Problem> {
        if let Some(taken) = &mut seat.taken {
            taken
                .move_to(account)
                .map_err(|spent| self.0.budgets.refuse(account, spent))?;
        }
        seat.account = account;
        Ok(())
    }

    /// Gives back the files that a stream of events doesn't open.
    pub fn opens_no_files(&self) {
        if let Some(taken) = &mut self.seat().taken {
            taken.shrink_to(FILES_OF_STREAM);
        }
    }

    /// Who takes the answer.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let is_user = self.seat().account.class() == Class::Users;
        Standing {
            stranger_among: (!is_user).then(|| Arc::clone(&self.0.budgets)),
        }
    }

    /// Takes memory for a complete response.
    pub fn try_hold_answer(&self, bytes: u64) -> Result<Taken, Problem> {
        let account = self.seat().account;
        let taken = self.0.budgets.answers.try_take(account, kibibytes(bytes));
        taken.map_err(|spent| self.0.budgets.refuse(account, spent))
    }

    /// Waits briefly for memory for the first bytes of a response.
    pub async fn await_room(&self, bytes: u64) -> Result<(), Problem> {
        let room = self.hold_within(BEFORE_ANSWER, bytes).await;
        room.map(drop)
    }

    /// Waits, with a timeout, for memory for the next bytes of a response.
    pub async fn hold_answer(&self, bytes: u64) -> Result<Taken, Problem> {
        self.hold_within(PATIENCE, bytes).await
    }

    async fn hold_within(&self, patience: Duration, bytes: u64) -> Result<Taken, Problem> {
        let account = self.seat().account;
        let room = self.0.budgets.answers.take(account, kibibytes(bytes));
        let taken = timeout(patience, room).await;
        taken.map_err(|_| self.0.budgets.refuse(account, Spent::Total))
    }

    /// Waits briefly for memory for more bytes of a request body.
    pub async fn hold_body(&self, bytes: u64) -> Result<Taken, Problem> {
        let account = self.seat().account;
        let room = self.0.budgets.bodies.take(account, kibibytes(bytes));
        let taken = timeout(PATIENCE, room).await;
        taken.map_err(|_| self.0.budgets.refuse(account, Spent::Share))
    }

    /// Returns how long the sender of a body may stall in total, beyond the least rate.
    #[must_use]
    pub fn patience_with_body(&self) -> Patience {
        let bodies = &self.0.budgets.bodies;
        let is_scarce = bodies.fill(Class::Users) >= 50;
        let (seconds, rate) = if is_scarce {
            (5, 64 << 10)
        } else {
            (30, 16 << 10)
        };
        Patience {
            stall: Duration::from_secs(seconds),
            rate,
        }
    }

    fn seat(&self) -> MutexGuard<'_, Seat> {
        self.0.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Attaches memory to bytes; it is released with their last part.
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

#[cfg(test)]
mod tests {
    use telemetry::Meters;

    use super::*;
    use crate::capacity::CapacityLimits;

    #[test]
    fn who_opens_no_files_leaves_them_to_others() {
        let limits = CapacityLimits::of_requests(16, Some(16));
        let capacity = Capacity::new(limits, Meters::default());
        let peer = SocketAddr::from(([192, 0, 2, 1], 80));
        let admitted = |opens_no_files| {
            let all = std::iter::from_fn(|| {
                let ticket = capacity.admit(peer, &Request::default()).ok()?;
                if opens_no_files {
                    ticket.opens_no_files();
                }
                Some(ticket)
            });
            all.collect::<Vec<_>>().len()
        };
        // Strangers have half of them, one address as much as it leaves free: 12 of 48 files.
        assert_eq!(admitted(false), 4);
        assert_eq!(admitted(true), 10);
    }
}
