//! Resolves the host of a target, once, and checks every address that it has.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::UserId;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use url::Host;

use crate::{Policy, RefusedTarget, Target};

/// Look-ups at once: each occupies a thread until the resolver of the system gives up, which may be
/// long after nobody waits for it. They are half of the threads that a process has for such work.
const LOOKUPS: usize = 256;

/// Look-ups of one user at once: names that nobody answers for delay their owner alone.
const SHARE: usize = 8;

/// How long to wait for a look-up to begin.
const PATIENCE: Duration = Duration::from_secs(5);

static PROCESS: LazyLock<Arc<LookUps>> = LazyLock::new(|| Arc::new(LookUps::new(ask_system)));

/// The look-ups of a process. A name is looked up once at a time, whoever asks.
struct LookUps {
    ask: Box<dyn Fn(&str) -> Found + Send + Sync>,
    running: Mutex<Running>,
    ended: Notify,
}

#[derive(Default)]
struct Running {
    names: HashMap<String, SharedLookUp>,
    users: HashMap<UserId, usize>,
}

/// The addresses of a name. None if it can't be resolved.
type Found = Option<Arc<[IpAddr]>>;

type SharedLookUp = Shared<BoxFuture<'static, Found>>;

/// A look-up that counts until this value is dropped.
struct Turn {
    of: Arc<LookUps>,
    name: String,
    user: UserId,
}

/// The service or the user has as many look-ups as may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busy;

/// A host whose addresses are being found.
pub(crate) struct HostLookUp {
    found: SharedLookUp,
    port: u16,
}

/// Begins to look for the addresses of a target, for a user. Waits for others a while, if it must.
pub(crate) async fn look_up(target: &Target, user: UserId) -> Result<HostLookUp, Busy> {
    let known = |found: Found| async move { found }.boxed().shared();
    let literal = |address: IpAddr| known(Some(Arc::from([address])));
    let found = match target.url.host() {
        None => known(None),
        Some(Host::Ipv4(address)) => literal(address.into()),
        Some(Host::Ipv6(address)) => literal(address.into()),
        Some(Host::Domain(name)) => PROCESS.begin(name, user).await?,
    };
    let port = target.port();
    Ok(HostLookUp { found, port })
}

impl HostLookUp {
    /// Returns the addresses, all of which are allowed.
    pub(crate) async fn checked(self, policy: &Policy) -> Result<Vec<SocketAddr>, RefusedTarget> {
        let found = self.found.await.ok_or(RefusedTarget::Unresolved)?;
        let with_port = |address: &IpAddr| SocketAddr::new(*address, self.port);
        check(found.iter().map(with_port).collect(), policy)
    }
}

/// One address that isn't allowed refuses the name: its owner chooses which is used.
fn check(found: Vec<SocketAddr>, policy: &Policy) -> Result<Vec<SocketAddr>, RefusedTarget> {
    if found.is_empty() {
        return Err(RefusedTarget::Unresolved);
    }
    if found.iter().all(|address| policy.allows(address.ip())) {
        Ok(found)
    } else {
        Err(RefusedTarget::NotPublic)
    }
}

fn ask_system(name: &str) -> Found {
    let found = (name, 0).to_socket_addrs().ok()?;
    Some(found.map(|address| address.ip()).collect())
}

impl LookUps {
    fn new(ask: impl Fn(&str) -> Found + Send + Sync + 'static) -> Self {
        Self {
            ask: Box::new(ask),
            running: Mutex::default(),
            ended: Notify::new(),
        }
    }

    async fn begin(self: &Arc<Self>, name: &str, user: UserId) -> Result<SharedLookUp, Busy> {
        let begun = timeout(PATIENCE, self.wait_to_begin(name, user)).await;
        begun.map_err(|_| Busy)
    }

    async fn wait_to_begin(self: &Arc<Self>, name: &str, user: UserId) -> SharedLookUp {
        loop {
            let mut ended = std::pin::pin!(self.ended.notified());
            ended.as_mut().enable();
            if let Some(look_up) = self.try_begin(name, user) {
                return look_up;
            }
            ended.await;
        }
    }

    /// Joins a look-up of the same name, or begins one if there is room.
    fn try_begin(self: &Arc<Self>, name: &str, user: UserId) -> Option<SharedLookUp> {
        let mut running = self.running();
        if let Some(look_up) = running.names.get(name) {
            return Some(look_up.clone());
        }
        let held = running.users.get(&user).copied().unwrap_or_default();
        if held >= SHARE || running.names.len() >= LOOKUPS {
            return None;
        }
        let (of, asked) = (Arc::clone(self), name.to_owned());
        let found = spawn_blocking(move || {
            let turn = Turn {
                of,
                name: asked,
                user,
            };
            (turn.of.ask)(&turn.name)
        });
        let look_up = found.map(|found| found.ok().flatten()).boxed().shared();
        running.names.insert(name.to_owned(), look_up.clone());
        running.users.insert(user, held + 1);
        Some(look_up)
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut running = self.of.running();
        running.names.remove(&self.name);
        if let Some(held) = running.users.get_mut(&self.user) {
            *held -= 1;
            if *held == 0 {
                running.users.remove(&self.user);
            }
        }
        drop(running);
        self.of.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    fn checked(addresses: &[&str]) -> Result<usize, String> {
        let found = addresses.iter().map(|address| address.parse().unwrap());
        let checked = check(found.collect(), &Policy::default());
        checked
            .map(|all| all.len())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn one_address_inside_refuses_the_name() {
        assert_eq!(checked(&["8.8.8.8:443", "[2606:4700::1]:443"]), Ok(2));
        for inside in [
            "127.0.0.1:443",
            "[::ffff:10.0.0.1]:443",
            "[64:ff9b::a9fe:a9fe]:443",
        ] {
            let refused = checked(&["8.8.8.8:443", inside]).unwrap_err();
            assert!(refused.contains("public"), "{inside}: {refused}");
        }
        assert!(checked(&[]).unwrap_err().contains("resolved"));
    }

    fn user() -> UserId {
        UserId::new(domain::Timestamp::from_micros(0))
    }

    #[tokio::test]
    async fn a_name_of_this_host_is_inside() {
        let target = Target::parse("https://localhost/", &Policy::default()).unwrap();
        let found = look_up(&target, user()).await.unwrap();
        let refused = found.checked(&Policy::default()).await;
        assert!(
            matches!(refused, Err(RefusedTarget::NotPublic)),
            "{refused:?}"
        );
        let policy = Policy {
            allows_http: false,
            networks: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        };
        let found = look_up(&target, user()).await.unwrap();
        found.checked(&policy).await.unwrap();
    }

    /// Look-ups of which only that of `quick` ends, until the sender is dropped.
    fn silent() -> (Arc<LookUps>, Sender<()>) {
        let (ends, until) = channel();
        let until = Mutex::new(until);
        let look_ups = LookUps::new(move |name| {
            if name != "quick" {
                let _ = until.lock().unwrap().recv();
            }
            Some(Arc::from([IpAddr::from([8, 8, 8, 8])]))
        });
        (Arc::new(look_ups), ends)
    }

    #[tokio::test]
    async fn names_that_nobody_answers_for_delay_their_user_alone() {
        let (look_ups, ends) = silent();
        let (alice, bob) = (user(), user());
        let names: Vec<_> = (0..=SHARE)
            .map(|number| format!("silent{number}"))
            .collect();
        // Many ask for one name: it is looked up once.
        let begun: Vec<_> = names[..SHARE]
            .iter()
            .flat_map(|name| vec![name; 100])
            .map(|name| look_ups.try_begin(name, alice).unwrap())
            .collect();
        assert_eq!(look_ups.running().names.len(), SHARE);
        assert!(look_ups.try_begin(&names[SHARE], alice).is_none());
        let joined = look_ups.try_begin(&names[0], bob).unwrap();
        let his = look_ups.begin("quick", bob).await.unwrap();
        assert_eq!(his.await.map(|found| found.len()), Some(1));
        let mut waiting = std::pin::pin!(look_ups.begin(&names[SHARE], alice));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(ends);
        waiting.await.unwrap().await.unwrap();
        joined.await.unwrap();
        for look_up in begun {
            look_up.await.unwrap();
        }
        assert!(look_ups.running().users.is_empty());
    }

    #[tokio::test]
    async fn look_ups_of_all_users_are_bounded() {
        let (look_ups, ends) = silent();
        let begin = |number: usize| look_ups.try_begin(&number.to_string(), user());
        let running: Vec<_> = (0..LOOKUPS).map(|number| begin(number).unwrap()).collect();
        assert!(look_ups.try_begin("one more", user()).is_none());
        drop(running);
        drop(ends);
    }
}
