//! Buffers for the parts of all uploads to one place, bounded in total and for each writer.
//!
//! A buffer is acquired before its part is gathered, and released after the part is sent. Writers
//! wait behind their own uploads first, so that one writer's many slow senders block nobody else. A
//! sender that fills a buffer too slowly loses it, and its upload, once all buffers are in use and
//! somebody waits: however many writers are slow, buffers become free.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use crate::{StorageError, Writer};

/// The number of buffers of the smallest part; bounds memory.
const BUFFERS: u32 = 32;

/// The most buffers of one user: two slow users leave a quarter to others.
const OF_ONE_USER: u32 = 12;

/// The most buffers of all strangers who upload with one user's tickets.
const OF_TICKETS: u32 = 4;

/// The most buffers of the service itself.
const OF_SERVICE: u32 = 16;

/// The number of buffers and the timeouts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BufferLimits {
    /// Buffers.
    pub(crate) all: u32,
    /// Those of one user.
    pub(crate) of_one: u32,
    /// How long filling a buffer may take while others wait; enough at 140 KB/s.
    pub(crate) filling: Duration,
    /// How long a writer waits before it evicts the slowest upload over that time; the next one
    /// after as long again.
    pub(crate) claim: Duration,
    /// How long a writer waits for others before its upload fails.
    pub(crate) patience: Duration,
    /// How long a writer waits for a buffer of its own share.
    pub(crate) own_patience: Duration,
}

impl Default for BufferLimits {
    fn default() -> Self {
        Self {
            all: BUFFERS,
            of_one: OF_ONE_USER,
            filling: Duration::from_mins(1),
            claim: Duration::from_secs(1),
            patience: Duration::from_mins(2),
            own_patience: Duration::from_mins(10),
        }
    }
}

/// The buffers of one place; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Buffers {
    limits: BufferLimits,
    all: Arc<Pool>,
    writers: Arc<Mutex<HashMap<Writer, Weak<Semaphore>>>>,
}

/// Buffers for one part, released on drop.
#[derive(Debug)]
pub(crate) struct Buffer {
    limits: BufferLimits,
    all: Arc<Pool>,
    _permits: [OwnedSemaphorePermit; 2],
}

/// The shared buffers and their waiters.
#[derive(Debug)]
struct Pool {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
    claims: Notify,
}

/// A waiter, removed on drop.
struct Waiting<'p>(&'p Pool);

impl Buffers {
    /// Creates the buffers, all free.
    pub(crate) fn new(limits: BufferLimits) -> Self {
        Self {
            limits,
            all: Arc::new(Pool {
                free: Arc::new(Semaphore::new(limits.all as usize)),
                waiting: AtomicUsize::new(0),
                claims: Notify::new(),
            }),
            writers: Arc::default(),
        }
    }

    /// Waits for buffers. A request above the writer's share counts as the whole share. A waiter
    /// only holds buffers of parts being sent, so every upload makes progress.
    pub(crate) async fn take(&self, writer: Writer, units: usize) -> Result<Buffer, StorageError> {
        let share = match writer {
            Writer::Service => OF_SERVICE.max(self.limits.of_one),
            Writer::User(_) => self.limits.of_one,
            Writer::Tickets(_) => OF_TICKETS.min(self.limits.of_one),
        };
        let share = share.min(self.limits.all);
        let units = u32::try_from(units).unwrap_or(share).min(share);
        let own = self.own(writer, share);
        let BufferLimits {
            patience,
            own_patience,
            ..
        } = self.limits;
        let of_own = timeout(own_patience, own.acquire_many_owned(units)).await;
        let of_own = of_own.ok().and_then(Result::ok).ok_or(StorageError::Busy)?;
        let of_all = timeout(patience, self.claim(units)).await;
        let of_all = of_all.ok().flatten().ok_or(StorageError::Busy)?;
        Ok(Buffer {
            limits: self.limits,
            all: Arc::clone(&self.all),
            _permits: [of_own, of_all],
        })
    }

    /// Waits for shared buffers, periodically evicting a slow upload. `None` if the semaphore is
    /// closed, which never happens.
    async fn claim(&self, units: u32) -> Option<OwnedSemaphorePermit> {
        if let Ok(free) = Arc::clone(&self.all.free).try_acquire_many_owned(units) {
            return Some(free);
        }
        let _waiting = Waiting::on(&self.all);
        let mut taking = std::pin::pin!(Arc::clone(&self.all.free).acquire_many_owned(units));
        loop {
            match timeout(self.limits.claim, taking.as_mut()).await {
                Ok(taken) => return taken.ok(),
                Err(_) => self.all.claims.notify_one(),
            }
        }
    }

    /// Returns the buffers of a writer, and forgets writers that hold none and wait for none.
    fn own(&self, writer: Writer, share: u32) -> Arc<Semaphore> {
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = writers.get(&writer).and_then(Weak::upgrade) {
            return known;
        }
        // Holds only writers with buffers or waiters: few.
        writers.retain(|_, own| own.strong_count() > 0);
        let own = Arc::new(Semaphore::new(share as usize));
        writers.insert(writer, Arc::downgrade(&own));
        own
    }
}

impl Buffer {
    /// Waits until filling this has taken too long while somebody waits for it.
    pub(crate) async fn is_claimed(&self) {
        sleep(self.limits.filling).await;
        loop {
            self.all.claims.notified().await;
            // The eviction may be left over from a writer that has got a buffer since.
            if self.all.waiting.load(Ordering::Relaxed) > 0 {
                return;
            }
        }
    }
}

impl<'p> Waiting<'p> {
    fn on(pool: &'p Pool) -> Self {
        pool.waiting.fetch_add(1, Ordering::Relaxed);
        Self(pool)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use uuid::Uuid;

    use super::*;
    use domain::UserId;

    const QUICK: BufferLimits = BufferLimits {
        all: 3,
        of_one: 2,
        filling: Duration::from_millis(5),
        claim: Duration::from_millis(5),
        patience: Duration::from_mins(1),
        own_patience: Duration::from_mins(1),
    };

    fn user(number: u128) -> Writer {
        Writer::User(UserId(Uuid::from_u128(number)))
    }

    #[tokio::test]
    async fn one_user_never_holds_what_others_wait_for() {
        let buffers = Buffers::new(BufferLimits::default());
        let mut held = Vec::new();
        while let Some(buffer) = buffers.take(user(1), 1).now_or_never() {
            held.push(buffer.unwrap());
        }
        assert_eq!(held.len(), OF_ONE_USER as usize);
        // Waiting behind one's own uploads evicts nobody.
        let mut own = Box::pin(buffers.take(user(1), 5));
        assert!(own.as_mut().now_or_never().is_none());
        let other = buffers
            .take(user(2), 1_000)
            .now_or_never()
            .unwrap()
            .unwrap();
        let third = buffers.take(Writer::Service, 8).now_or_never().unwrap();
        drop((other, third.unwrap()));
        held.truncate(7);
        assert!(own.now_or_never().is_some());
    }

    #[tokio::test]
    async fn strangers_with_tickets_leave_their_owner_s_buffers_alone() {
        let buffers = Buffers::new(BufferLimits::default());
        let owner = UserId(Uuid::from_u128(1));
        let mut held = Vec::new();
        while let Some(buffer) = buffers.take(Writer::Tickets(owner), 1).now_or_never() {
            held.push(buffer.unwrap());
        }
        assert_eq!(held.len(), OF_TICKETS as usize);
        let whole_share = buffers.take(Writer::User(owner), OF_ONE_USER as usize);
        assert!(whole_share.now_or_never().unwrap().is_ok());
    }

    #[tokio::test]
    async fn whoever_fills_too_long_gives_way_to_one_who_waits() {
        let buffers = Buffers::new(QUICK);
        let mut slow = Vec::new();
        for number in 0..3 {
            slow.push(buffers.take(user(number), 1).await.unwrap());
        }
        // As long as nobody waits, all may take their time.
        let unclaimed = timeout(Duration::from_millis(50), slow[0].is_claimed()).await;
        assert!(unclaimed.is_err());
        let filling = slow.into_iter().map(|buffer| {
            Box::pin(async move {
                buffer.is_claimed().await;
                drop(buffer);
            })
        });
        let gone = futures::future::select_all(filling);
        let (taken, ((), _, left)) = tokio::join!(buffers.take(user(9), 1), gone);
        taken.unwrap();
        assert_eq!(left.len(), 2, "the others go on");
    }

    #[tokio::test]
    async fn nobody_takes_buffers_from_themselves() {
        let buffers = Buffers::new(QUICK);
        let slow = buffers.take(user(1), 2).await.unwrap();
        let mut next = Box::pin(buffers.take(user(1), 1));
        assert!(
            timeout(Duration::from_millis(50), next.as_mut())
                .await
                .is_err()
        );
        assert!(slow.is_claimed().now_or_never().is_none());
        drop(slow);
        next.await.unwrap();
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let buffers = Buffers::new(BufferLimits {
            patience: Duration::from_millis(20),
            own_patience: Duration::from_millis(20),
            ..QUICK
        });
        let _held = [
            buffers.take(user(1), 2).await.unwrap(),
            buffers.take(user(2), 1).await.unwrap(),
        ];
        for number in [1, 3] {
            let busy = buffers.take(user(number), 1).await;
            assert!(matches!(busy, Err(StorageError::Busy)));
        }
    }

    #[tokio::test]
    async fn writers_without_a_buffer_are_forgotten() {
        let buffers = Buffers::new(QUICK);
        for number in 0..1_000 {
            drop(buffers.take(user(number), 1).await.unwrap());
        }
        assert!(buffers.writers.lock().unwrap().len() <= 2);
    }
}
