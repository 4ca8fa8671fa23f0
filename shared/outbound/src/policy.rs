//! What an operator allows beyond the public internet over TLS.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::address::{is_public, translated};

/// Where requests may go.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Whether they may go without TLS.
    pub allows_http: bool,
    /// Networks that they may go to although they aren't public.
    pub networks: Vec<IpNet>,
}

impl Policy {
    /// Returns whether requests may go to an address.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        let meant = translated(address);
        let is_within = |network: &IpNet| network.contains(&meant) || network.contains(&address);
        is_public(address) || self.networks.iter().any(is_within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_the_operator_is_allowed_however_it_is_written() {
        let policy = Policy {
            allows_http: false,
            networks: vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()],
        };
        let allows = |address: &str| policy.allows(address.parse().unwrap());
        for address in [
            "10.1.2.3",
            "::ffff:10.1.2.3",
            "64:ff9b::a01:203",
            "fd00::1",
            "8.8.8.8",
        ] {
            assert!(allows(address), "{address}");
        }
        for address in ["10.2.0.1", "127.0.0.1", "fe80::1", "64:ff9b::7f00:1"] {
            assert!(!allows(address), "{address}");
        }
    }
}
