//! Memory for the parts of all uploads to one place: so much of one writer, so much of everybody.
//!
//! A buffer is taken before its part is gathered, and given back when the part was sent. Whoever
//! waits for one waits behind their own first, so that one writer's many slow senders keep nobody
//! else waiting. And a sender who takes too long to fill a buffer loses it, and so its upload, as
//! soon as others have all of them and somebody waits: however many writers are slow, buffers come
//! free.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use crate::{StorageError, Writer};

/// How many buffers of the smallest part there are: this bounds memory where there are many.
const BUFFERS: u32 = 32;

/// How many of them one user gets: two users who are slow leave a quarter to others.
const OF_ONE_USER: u32 = 12;

/// How many the service gets for writes of its own.
const OF_SERVICE: u32 = 16;

/// How many there are, and how long they are waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct BufferLimits {
    /// Buffers.
    pub(super) all: u32,
    /// Those of one user.
    pub(super) of_one: u32,
    /// How long a buffer may be filled while others wait: at 140 KB/s that is enough.
    pub(super) filling: Duration,
    /// How long somebody waits before the slowest of those who fill too long has to go; and the
    /// next one after as long again.
    pub(super) claim: Duration,
    /// How long somebody waits for others before the upload is given up.
    pub(super) patience: Duration,
    /// How long somebody waits for a buffer of their own share.
    pub(super) own_patience: Duration,
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
pub(super) struct Buffers {
    limits: BufferLimits,
    all: Arc<Pool>,
    writers: Arc<Mutex<HashMap<Writer, Weak<Semaphore>>>>,
}

/// Buffers for one part, until this is dropped.
#[derive(Debug)]
pub(super) struct Buffer {
    limits: BufferLimits,
    all: Arc<Pool>,
    _permits: [OwnedSemaphorePermit; 2],
}

/// The buffers of everybody, and who waits for them.
#[derive(Debug)]
struct Pool {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
    claims: Notify,
}

/// Somebody who waits, until this is dropped.
struct Waiting<'p>(&'p Pool);

impl Buffers {
    /// All of them are free.
    pub(super) fn new(limits: BufferLimits) -> Self {
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

    /// Waits for so many buffers. What is more than a writer's share counts as all of it.
    /// Whoever waits holds none but those of parts that are being sent, so every upload gets on.
    pub(super) async fn take(&self, writer: Writer, units: usize) -> Result<Buffer, StorageError> {
        let share = match writer {
            Writer::Service => OF_SERVICE.max(self.limits.of_one),
            Writer::User(_) => self.limits.of_one,
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

    /// Waits for buffers of everybody's, and claims one now and again from who fills too long.
    /// `None` if there are none any more, which never happens.
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

    /// The buffers of a writer. Writers who hold none, and wait for none, are forgotten.
    fn own(&self, writer: Writer, share: u32) -> Arc<Semaphore> {
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = writers.get(&writer).and_then(Weak::upgrade) {
            return known;
        }
        // Only who holds a buffer or waits for one is in it: there are few.
        writers.retain(|_, own| own.strong_count() > 0);
        let own = Arc::new(Semaphore::new(share as usize));
        writers.insert(writer, Arc::downgrade(&own));
        own
    }
}

impl Buffer {
    /// Returns when this has been filled for too long and somebody waits for it.
    pub(super) async fn is_claimed(&self) {
        sleep(self.limits.filling).await;
        loop {
            self.all.claims.notified().await;
            // A claim may be left over from somebody who has got a buffer since.
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
        // Who waits behind their own is in nobody's way.
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
