//! Accounts that the resources of requests are charged to.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use domain::UserId;

/// The account of a request: its address until its user is known. Requests with an unchecked token
/// have their own class, so that unauthenticated ones take nothing from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// An address; for IPv6 the /64 network.
    Address(IpAddr),
    /// An address, for a request with an unchecked token.
    Claimant(IpAddr),
    /// A user, from any address.
    User(UserId),
}

/// The class of an account: the total of a class is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Addresses without a valid token.
    Strangers,
    /// Addresses with unchecked tokens.
    Claimants,
    /// Users.
    Users,
}

/// The IPv6 networks of one site, by class: one host may use all of them.
pub(super) type Site = (u8, Ipv6Addr);

impl Account {
    pub(super) const fn class(self) -> Class {
        match self {
            Self::Address(_) => Class::Strangers,
            Self::Claimant(_) => Class::Claimants,
            Self::User(_) => Class::Users,
        }
    }

    /// Returns the site of an address.
    pub(super) const fn site(self) -> Option<Site> {
        match self {
            Self::Address(IpAddr::V6(address)) | Self::Claimant(IpAddr::V6(address)) => {
                let [a, b, c, ..] = address.segments();
                let site = Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0);
                Some((self.class() as u8, site))
            }
            _ => None,
        }
    }

    /// Returns the account of a peer.
    #[must_use]
    pub fn of_peer(peer: SocketAddr) -> Self {
        Self::Address(match peer.ip().to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(network(address)),
            address @ IpAddr::V4(_) => address,
        })
    }

    /// Returns the account of a peer with an unchecked token.
    #[must_use]
    pub const fn as_claimant(self) -> Self {
        match self {
            Self::Address(address) => Self::Claimant(address),
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
