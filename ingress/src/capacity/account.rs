//! To whom what a request uses is charged.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use domain::UserId;

/// Who answers for a request: the address that it came from, until its user is known. Those that
/// bring a token are apart: strangers take nothing away from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// An address; of IPv6 the network of a subscriber, who has 2^64 addresses.
    Address(IpAddr),
    /// An address, for a request whose token has not been checked.
    Claimant(IpAddr),
    /// A user, from wherever they ask.
    User(UserId),
}

impl Account {
    /// The account of whoever is at the other end of a connection.
    #[must_use]
    pub fn of_peer(peer: SocketAddr) -> Self {
        Self::Address(match peer.ip().to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(network(address)),
            address @ IpAddr::V4(_) => address,
        })
    }

    /// The same, while a token is to be checked.
    #[must_use]
    pub const fn as_claimant(self) -> Self {
        match self {
            Self::Address(address) => Self::Claimant(address),
            other => other,
        }
    }

    /// The same, when no token turned out to be good.
    #[must_use]
    pub const fn as_stranger(self) -> Self {
        match self {
            Self::Claimant(address) => Self::Address(address),
            other => other,
        }
    }
}

/// The first 64 bits.
const fn network(address: Ipv6Addr) -> Ipv6Addr {
    let [a, b, c, d, ..] = address.segments();
    Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_one_subscriber_are_one_account() {
        let of = |text: &str| Account::of_peer(text.parse().unwrap());
        assert_eq!(of("[2001:db8:1:2::1]:1"), of("[2001:db8:1:2:ffff::9]:2"));
        assert_ne!(of("[2001:db8:1:2::1]:1"), of("[2001:db8:1:3::1]:1"));
        assert_eq!(of("192.0.2.1:1"), of("[::ffff:192.0.2.1]:2"));
        assert_ne!(of("192.0.2.1:1"), of("192.0.2.2:1"));
    }
}
