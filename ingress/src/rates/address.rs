//! The address of a client, for rate limits and the security log.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use poem::http::HeaderMap;
use poem::{Addr, Request};
use settings::Network;

/// An IPv4 address or an IPv6 /64 network, which belongs to one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Address(IpAddr);

impl Address {
    /// Returns the client's address; `None` if the request didn't come over the network.
    pub(crate) fn of(request: &Request, trusted: &[Network]) -> Option<Self> {
        match &request.remote_addr().0 {
            Addr::SocketAddr(peer) => {
                Some(Self::from(client(request.headers(), peer.ip(), trusted)))
            }
            Addr::Unix(_) | Addr::Custom(..) => None,
        }
    }
}

/// Behind trusted proxies, the last address that is not one of them. Each proxy appends its peer,
/// so earlier entries may be forged. If a proxy wrote no address, the proxy itself counts as the
/// client.
fn client(headers: &HeaderMap, peer: IpAddr, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let fields = headers.get_all("x-forwarded-for").iter().rev();
    let mut hops = fields.flat_map(|field| field.as_bytes().rsplit(|byte| *byte == b','));
    let mut address = peer;
    while is_trusted(address) {
        let Some(hop) = hops.next().and_then(hop_address) else {
            break;
        };
        address = hop;
    }
    address
}

/// Parses an address with optional brackets and port.
fn hop_address(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.unwrap_or(text).parse().ok().or_else(with_port)
}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
            address @ IpAddr::V4(_) => address,
        })
    }
}

impl Address {
    /// Returns the /48 site of an IPv6 network: one host may use all of it.
    pub(super) fn site(self) -> Option<Ipv6Addr> {
        match self.0 {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => {
                let [a, b, c, ..] = address.segments();
                Some(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(network) => write!(f, "{network}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_believed_if_it_is_trusted() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let client_of = |peer: &str, fields: &[&[u8]]| {
            let name = poem::http::HeaderName::from_static("x-forwarded-for");
            let value = |field| poem::http::HeaderValue::from_bytes(field).unwrap();
            let fields = fields.iter().map(|field| (name.clone(), value(field)));
            client(&fields.collect(), peer.parse().unwrap(), &trusted).to_string()
        };
        let client = |peer: &str, fields: &[&str]| {
            let fields: Vec<_> = fields.iter().map(|field| field.as_bytes()).collect();
            client_of(peer, &fields)
        };
        for (field, expected) in [
            (&b"\xff, 203.0.113.9"[..], "203.0.113.9"),
            (b"1.2.3.4, \"\xfe, 203.0.113.9:1", "203.0.113.9"),
            (b"203.0.113.9, unknown", "10.0.0.1"),
            (b"203.0.113.9, unknown, 10.0.0.7", "10.0.0.7"),
            (b"203.0.113.9,", "10.0.0.1"),
            (b"203.0.113.9,\xff", "10.0.0.1"),
        ] {
            assert_eq!(client_of("10.0.0.1", &[field]), expected, "{field:?}");
        }
        assert_eq!(
            client("10.0.0.1", &["203.0.113.9", "unknown"]),
            "10.0.0.1",
            "whatever was chosen before"
        );
        assert_eq!(client("10.0.0.1", &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(
            client("192.0.2.1", &["192.0.2.9"]),
            "192.0.2.1",
            "a stranger says so"
        );
        assert_eq!(client("10.0.0.1", &["192.0.2.9"]), "192.0.2.9");
        assert_eq!(
            client("10.0.0.1", &["1.2.3.4, 192.0.2.9:77"]),
            "192.0.2.9",
            "the first is made up"
        );
        assert_eq!(
            client("10.0.0.1", &["1.2.3.4", "192.0.2.9,10.0.0.2"]),
            "192.0.2.9"
        );
        assert_eq!(client("10.0.0.1", &["[2001:db8::1]:9"]), "2001:db8::1");
        for nothing in [&[][..], &[""], &["unknown"], &["10.0.0.1"]] {
            assert_eq!(client("10.0.0.1", nothing), "10.0.0.1");
        }
    }

    #[test]
    fn a_network_of_version_6_is_one_client() {
        let read = |text: &str| Address::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(read("2001:db8:1:2::1"), read("2001:db8:1:2:ffff::9"));
        assert_ne!(read("2001:db8:1:2::1"), read("2001:db8:1:3::1"));
        assert_eq!(read("::ffff:192.0.2.1"), read("192.0.2.1"));
        assert_ne!(read("192.0.2.2"), read("192.0.2.1"));
        assert_eq!(
            read("2001:db8:1:2::1").site(),
            read("2001:db8:1:3::1").site()
        );
        assert_ne!(
            read("2001:db8:1:2::1").site(),
            read("2001:db8:2:2::1").site()
        );
        assert_eq!(read("2001:db8:1:2::1").to_string(), "2001:db8:1:2::/64");
    }
}
