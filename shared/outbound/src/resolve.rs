//! Resolves the host of a target, once, and checks every address that it has.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, LazyLock};

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use url::Host;

use crate::{Policy, RefusedTarget, Target};

/// Look-ups at once: each occupies a thread until the resolver of the system gives up, which may be
/// long after nobody waits for it.
const LOOKUPS: usize = 32;

static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(LOOKUPS)));

/// Returns the addresses of a target, all of which are allowed.
pub(crate) async fn checked_addresses(
    target: &Target,
    policy: &Policy,
) -> Result<Vec<SocketAddr>, RefusedTarget> {
    check(addresses(target).await?, policy)
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

async fn addresses(target: &Target) -> Result<Vec<SocketAddr>, RefusedTarget> {
    let port = target.port();
    let literal = |address: IpAddr| Ok(vec![SocketAddr::new(address, port)]);
    match target.url.host() {
        None => Err(RefusedTarget::Unresolved),
        Some(Host::Ipv4(address)) => literal(address.into()),
        Some(Host::Ipv6(address)) => literal(address.into()),
        Some(Host::Domain(name)) => look_up(name.to_owned(), port).await,
    }
}

async fn look_up(name: String, port: u16) -> Result<Vec<SocketAddr>, RefusedTarget> {
    let turn = Arc::clone(&TURNS).acquire_owned().await;
    let turn = turn.map_err(|_| RefusedTarget::Unresolved)?;
    let found = spawn_blocking(move || {
        let found = (name.as_str(), port).to_socket_addrs();
        drop(turn);
        found.map(Iterator::collect)
    });
    match found.await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(_)) | Err(_) => Err(RefusedTarget::Unresolved),
    }
}

#[cfg(test)]
mod tests {
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

    #[tokio::test]
    async fn a_name_of_this_host_is_inside() {
        let target = Target::parse("https://localhost/", &Policy::default()).unwrap();
        let refused = checked_addresses(&target, &Policy::default()).await;
        assert!(
            matches!(refused, Err(RefusedTarget::NotPublic)),
            "{refused:?}"
        );
        let policy = Policy {
            allows_http: false,
            networks: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        };
        checked_addresses(&target, &policy).await.unwrap();
    }
}
