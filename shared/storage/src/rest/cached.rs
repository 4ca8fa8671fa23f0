//! What a service gives for a while, such as a token. One request at a time asks for the next, shortly
//! before the latest expires.

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::client::BoxError;

/// How long nobody asks again after a failure, for a successor of what lasts, or after a second refusal.
const PAUSE: Duration = Duration::from_secs(2);

/// Why there is none, for all who wait.
pub(crate) type Failure = Arc<dyn Error + Send + Sync>;

/// Something, and for how long.
#[derive(Clone)]
pub(crate) struct Lasting<T> {
    /// It.
    pub value: T,
    /// From when on the next one is asked for.
    pub renew: Instant,
    /// When it expires.
    pub until: Instant,
}

/// The latest that a service gave.
pub(crate) struct Cached<T> {
    latest: Mutex<Latest<T>>,
    asking: tokio::sync::Mutex<()>,
}

struct Latest<T> {
    lasting: Option<Lasting<T>>,
    /// When it was asked for last, and what came of it.
    asked: Option<(Instant, Result<(), Failure>)>,
    /// When one was dropped last.
    dropped: Option<Instant>,
}

impl<T: Clone> Cached<T> {
    /// Returns the latest, or what `fetch` gives if it is to be renewed. While that is under way, or if it
    /// fails, the latest one is used as long as it lasts. Whoever waited for a failure gets the same one.
    pub(crate) async fn get(
        &self,
        what: &'static str,
        fetch: impl Future<Output = Result<Lasting<T>, BoxError>>,
    ) -> Result<T, Failure> {
        if let Some(value) = self.fresh() {
            return Ok(value);
        }
        let _asking = match (self.asking.try_lock(), self.lasting()) {
            (Ok(turn), _) => turn,
            (Err(_), Some(value)) => return Ok(value),
            (Err(_), None) => self.asking.lock().await,
        };
        if let Some(value) = self.fresh() {
            return Ok(value);
        }
        let recent = self.recently_asked();
        match (recent, self.lasting()) {
            (Some(_), Some(value)) => return Ok(value),
            (Some(Err(failure)), None) => return Err(failure),
            _ => {}
        }
        match fetch.await {
            Ok(lasting) => {
                let value = lasting.value.clone();
                let mut latest = self.latest();
                latest.lasting = Some(lasting);
                latest.asked = Some((Instant::now(), Ok(())));
                Ok(value)
            }
            Err(error) => {
                let failure: Failure = error.into();
                self.latest().asked = Some((Instant::now(), Err(Arc::clone(&failure))));
                let Some(value) = self.lasting() else {
                    return Err(failure);
                };
                let error = &*failure as &dyn Error;
                tracing::warn!(error, "failed to renew {what}; using the old one");
                Ok(value)
            }
        }
    }

    /// Drops the latest, if it is the one that was refused. The next is asked for at once, but not if that
    /// is refused as well.
    pub(crate) fn drop_refused(&self, is_refused: impl FnOnce(&T) -> bool) {
        let mut latest = self.latest();
        let refused = latest.lasting.take_if(|lasting| is_refused(&lasting.value));
        if refused.is_none() {
            return;
        }
        let is_second = latest.dropped.is_some_and(|at| at.elapsed() < PAUSE);
        let refusal = || {
            Err(Arc::from(BoxError::from(
                "the latest one was refused with 401",
            )))
        };
        latest.asked = is_second.then(|| (Instant::now(), refusal()));
        latest.dropped = Some(Instant::now());
    }

    /// Returns the latest if it isn't to be renewed yet.
    fn fresh(&self) -> Option<T> {
        self.latest_if(|lasting| lasting.renew.min(lasting.until))
    }

    /// Returns the latest if it lasts.
    fn lasting(&self) -> Option<T> {
        self.latest_if(|lasting| lasting.until)
    }

    fn latest_if(&self, until: impl FnOnce(&Lasting<T>) -> Instant) -> Option<T> {
        let latest = self.latest();
        let lasting = latest.lasting.as_ref()?;
        (until(lasting) > Instant::now()).then(|| lasting.value.clone())
    }

    /// Returns what came of the latest request, if that was a moment ago.
    fn recently_asked(&self) -> Option<Result<(), Failure>> {
        let latest = self.latest();
        let (at, outcome) = latest.asked.as_ref()?;
        (at.elapsed() < PAUSE).then(|| outcome.clone())
    }

    fn latest(&self) -> MutexGuard<'_, Latest<T>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self {
            latest: Mutex::new(Latest {
                lasting: None,
                asked: None,
                dropped: None,
            }),
            asking: tokio::sync::Mutex::default(),
        }
    }
}

impl<T> std::fmt::Debug for Cached<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cached")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// What is kept is renewed so long before its end.
    const EARLY: Duration = Duration::from_secs(100);

    /// A service that numbers what it gives, and fails where `None` is given.
    async fn given(
        asked: &AtomicU32,
        lifetime: Option<Duration>,
    ) -> Result<Lasting<u32>, BoxError> {
        let value = asked.fetch_add(1, Ordering::Relaxed) + 1;
        tokio::task::yield_now().await;
        let lifetime = lifetime.ok_or_else(|| format!("failure {value}"))?;
        Ok(Lasting {
            value,
            renew: Instant::now() + lifetime.saturating_sub(EARLY),
            until: Instant::now() + lifetime,
        })
    }

    /// As if so much time had passed.
    fn passes<T: Clone>(cached: &Cached<T>, time: Duration) {
        let mut latest = cached.latest();
        if let Some(lasting) = &mut latest.lasting {
            lasting.renew -= time;
            lasting.until -= time;
        }
        if let Some((at, _)) = &mut latest.asked {
            *at -= time;
        }
        if let Some(at) = &mut latest.dropped {
            *at -= time;
        }
    }

    #[tokio::test]
    async fn it_is_asked_for_once_and_again_before_it_expires() {
        let (cached, asked) = (Cached::default(), AtomicU32::new(0));
        let long = Some(EARLY + Duration::from_mins(1));
        let get = async || cached.get("it", given(&asked, long)).await.unwrap();
        assert_eq!(futures::future::join(get(), get()).await, (1, 1));
        passes(&cached, Duration::from_mins(2));
        let renewed = futures::future::join(get(), get()).await;
        assert_eq!(renewed, (2, 1), "nobody waits");
        assert_eq!(get().await, 2);
    }

    #[tokio::test]
    async fn what_can_not_be_renewed_is_used_as_long_as_it_lasts() {
        let (cached, asked) = (Cached::default(), AtomicU32::new(0));
        let soon = Some(Duration::from_mins(1));
        assert_eq!(cached.get("it", given(&asked, soon)).await.unwrap(), 1);
        passes(&cached, PAUSE);
        for _ in 0..3 {
            assert_eq!(cached.get("it", given(&asked, None)).await.unwrap(), 1);
        }
        assert_eq!(asked.load(Ordering::Relaxed), 2, "not for each request");
        passes(&cached, Duration::from_mins(1));
        for _ in 0..3 {
            let error = cached.get("it", given(&asked, None)).await.unwrap_err();
            assert_eq!(error.to_string(), "failure 3");
        }
        passes(&cached, PAUSE);
        assert_eq!(cached.get("it", given(&asked, soon)).await.unwrap(), 4);
    }

    #[tokio::test]
    async fn who_waits_for_a_failure_gets_it_as_well() {
        let (cached, asked) = (Cached::<u32>::default(), AtomicU32::new(0));
        let get = async || {
            let given = cached.get("it", given(&asked, None)).await;
            given.unwrap_err().to_string()
        };
        let all = futures::future::join_all((0..50).map(|_| get())).await;
        assert!(all.iter().all(|error| error == "failure 1"), "{all:?}");
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn what_was_refused_is_dropped_once() {
        let (cached, asked) = (Cached::default(), AtomicU32::new(0));
        let long = Some(Duration::from_hours(1));
        let get = async || cached.get("it", given(&asked, long)).await;
        assert_eq!(get().await.unwrap(), 1);
        cached.drop_refused(|value| *value == 1);
        assert_eq!(get().await.unwrap(), 2);
        // Another request that had the first one.
        cached.drop_refused(|value| *value == 1);
        assert_eq!(get().await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_service_whose_gifts_are_always_refused_is_asked_rarely() {
        let (cached, asked) = (Cached::default(), AtomicU32::new(0));
        let long = Some(Duration::from_hours(1));
        for _ in 0..100 {
            if cached.get("it", given(&asked, long)).await.is_ok() {
                cached.drop_refused(|_| true);
            }
        }
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        passes(&cached, PAUSE);
        assert!(cached.get("it", given(&asked, long)).await.is_ok());
    }
}
