//! The rate limits: requests of each user, and failed authentications of each address.

use std::fmt;
use std::net::Ipv6Addr;
use std::sync::Arc;

use domain::{Rate, UserId};
use poem::Response;
use poem::http::HeaderValue;

use super::Address;
use super::fields::{RATE_LIMIT, RATE_LIMIT_POLICY, policy, seconds, state};
use super::limiter::{Exceeded, Left, Limiter};
use crate::problem::Problem;

/// The policy name of users.
const USERS: &str = "default";
/// The policy name of failed authentications.
const REFUSED: &str = "authentication";
/// The policy name of sign-ins.
const SIGN_INS: &str = "sign-in";

/// The limits, shared by all requests.
#[derive(Clone)]
pub(crate) struct RateLimits(Arc<Inner>);

/// The limit of a site, as a multiple of that of one network.
const NETWORKS_OF_SITE: u32 = 8;

struct Inner {
    users: Option<Limiter<UserId>>,
    refused: Option<AddressLimit>,
    sign_ins: Option<AddressLimit>,
}

/// A limit of each address, and of each site, whose networks each count as another address.
struct AddressLimit {
    name: &'static str,
    networks: Limiter<Address>,
    sites: Limiter<Ipv6Addr>,
}

impl AddressLimit {
    fn new(name: &'static str, rate: Rate) -> Self {
        Self {
            name,
            networks: Limiter::new(rate),
            sites: Limiter::new(rate.times(NETWORKS_OF_SITE)),
        }
    }

    fn check(&self, address: Address) -> Result<(), Problem> {
        if let Some(site) = address.site() {
            let checked = self.sites.check(&site);
            checked.map_err(|exceeded| refusal(self.name, self.sites.rate(), exceeded))?;
        }
        let checked = self.networks.check(&address).map(|_| ());
        checked.map_err(|exceeded| refusal(self.name, self.networks.rate(), exceeded))
    }
}

/// A request within the limit of its user.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed {
    rate: Rate,
    left: Left,
}

impl RateLimits {
    /// Creates the configured limits.
    pub(crate) fn new(users: Option<Rate>, refused: Option<Rate>) -> Self {
        Self(Arc::new(Inner {
            users: users.map(Limiter::new),
            refused: refused.map(|rate| AddressLimit::new(REFUSED, rate)),
            sign_ins: refused.map(|rate| AddressLimit::new(SIGN_INS, rate)),
        }))
    }

    /// Counts a request of a user; `None` if there is no limit.
    pub(crate) fn request_of(&self, user: UserId) -> Result<Option<Allowed>, Problem> {
        let Some(limiter) = &self.0.users else {
            return Ok(None);
        };
        let rate = limiter.rate();
        match limiter.check(&user) {
            Ok(left) => Ok(Some(Allowed { rate, left })),
            Err(exceeded) => Err(refusal(USERS, rate, exceeded)),
        }
    }

    /// Counts a refused key or token of an address. Valid ones are never counted, so nobody behind
    /// a shared address can lock out the others.
    pub(crate) fn refused_from(&self, address: Option<Address>) -> Result<(), Problem> {
        match (&self.0.refused, address) {
            (Some(limit), Some(address)) => limit.check(address),
            _ => Ok(()),
        }
    }

    /// Counts a sign-in from an address, which costs the provider something even if it is refused.
    pub(crate) fn sign_in_from(&self, address: Option<Address>) -> Result<(), Problem> {
        match (&self.0.sign_ins, address) {
            (Some(limit), Some(address)) => limit.check(address),
            _ => Ok(()),
        }
    }
}

impl Allowed {
    /// Adds the rate-limit fields.
    pub(crate) fn tell(&self, response: &mut Response) {
        let left = state(USERS, self.left.remaining, self.left.whole_in);
        for (name, value) in [
            (RATE_LIMIT, left),
            (RATE_LIMIT_POLICY, policy(USERS, self.rate)),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
    }
}

fn refusal(name: &'static str, rate: Rate, Exceeded(wait): Exceeded) -> Problem {
    let fields = [
        (RATE_LIMIT, state(name, 0, wait)),
        (RATE_LIMIT_POLICY, policy(name, rate)),
    ];
    let wait = seconds(wait).max(1);
    let detail = match name {
        REFUSED => format!(
            "More than {rate} keys or tokens from this address were refused; \
             try again in {wait} s. Valid ones are still accepted."
        ),
        SIGN_INS => format!("More than {rate} sign-ins from this address; try again in {wait} s."),
        _ => format!("More than {rate} requests; try again in {wait} s."),
    };
    Problem::rate_limited(detail, wait, &fields)
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RateLimits")
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn the_networks_of_one_site_are_limited_together() {
        let limits = RateLimits::new(None, Some("10/h".parse().unwrap()));
        let refused = |text: String| {
            let address = text.parse::<IpAddr>().unwrap();
            limits.refused_from(Some(address.into())).is_err()
        };
        let limited = (0..200).filter(|number| refused(format!("2001:db8:1:{number:x}::1")));
        assert_eq!(limited.count(), 200 - 80);
        assert!(!refused("2001:db8:2::1".to_owned()));
        assert!(!refused("192.0.2.1".to_owned()));
    }
}
