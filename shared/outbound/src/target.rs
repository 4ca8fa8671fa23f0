//! A URL that a user names, as far as its text can be judged.

use url::{Host, Url};

use crate::Policy;

/// The longest URL, in bytes.
const LONGEST: usize = 2048;

/// A URL to which requests may be sent, if its addresses allow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub(crate) url: Url,
}

/// Why nothing is sent to a URL.
#[derive(Debug, thiserror::Error)]
pub enum RefusedTarget {
    /// It is none.
    #[error("must be an absolute URL with a host, of at most {LONGEST} bytes")]
    NotAUrl,
    /// It has another scheme.
    #[error("must begin with https://")]
    NotHttps,
    /// It has another scheme, where both of these are allowed.
    #[error("must begin with https:// or http://")]
    NotHttp,
    /// It has a user name or a password.
    #[error("must have no user name and no password")]
    Credentials,
    /// It has a fragment.
    #[error("must have no fragment")]
    Fragment,
    /// Its port can't be connected to.
    #[error("must have a port from 1 to 65535")]
    Port,
    /// Its host isn't public.
    #[error("must lead to a public address")]
    NotPublic,
    /// Its host has no address.
    #[error("must have a host whose name can be resolved")]
    Unresolved,
}

impl Target {
    /// Parses a URL, and judges it as far as that needs no look at names.
    pub fn parse(text: &str, policy: &Policy) -> Result<Self, RefusedTarget> {
        if text.len() > LONGEST || text.trim() != text {
            return Err(RefusedTarget::NotAUrl);
        }
        let url = Url::parse(text).map_err(|_| RefusedTarget::NotAUrl)?;
        if url.as_str().len() > LONGEST {
            return Err(RefusedTarget::NotAUrl);
        }
        match url.scheme() {
            "https" => {}
            "http" if policy.allows_http => {}
            _ if policy.allows_http => return Err(RefusedTarget::NotHttp),
            _ => return Err(RefusedTarget::NotHttps),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RefusedTarget::Credentials);
        }
        if url.fragment().is_some() {
            return Err(RefusedTarget::Fragment);
        }
        if url.port_or_known_default().is_none_or(|port| port == 0) {
            return Err(RefusedTarget::Port);
        }
        let address = match url.host() {
            None => return Err(RefusedTarget::NotAUrl),
            Some(Host::Domain(_)) => None,
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
        };
        if address.is_some_and(|address| !policy.allows(address)) {
            return Err(RefusedTarget::NotPublic);
        }
        Ok(Self { url })
    }

    /// The URL in its normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    pub(crate) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// The value of `Host`.
    pub(crate) fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// The target of the request line.
    pub(crate) fn path(&self) -> String {
        match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> Option<String> {
        let parsed = Target::parse(text, &Policy::default());
        parsed.err().map(|refusal| refusal.to_string())
    }

    #[test]
    fn a_url_is_judged_by_its_text() {
        for (text, part) in [
            ("", "absolute URL"),
            ("example.com/x", "absolute URL"),
            (" https://example.com/", "absolute URL"),
            ("https://", "absolute URL"),
            ("http://example.com/", "https://"),
            ("ftp://example.com/", "https://"),
            ("file:///etc/passwd", "https://"),
            ("gopher://example.com/", "https://"),
            ("https://user@example.com/", "user name"),
            ("https://:secret@example.com/", "user name"),
            ("https://example.com/#x", "fragment"),
            ("https://example.com:0/", "port"),
            // Spellings of addresses that parsers read alike.
            ("https://127.0.0.1/", "public"),
            ("https://127.1/", "public"),
            ("https://2130706433/", "public"),
            ("https://0x7f000001/", "public"),
            ("https://0177.0.0.1/", "public"),
            ("https://[::1]/", "public"),
            ("https://[::ffff:127.0.0.1]/", "public"),
            ("https://[64:ff9b::7f00:1]/", "public"),
            ("https://169.254.169.254/latest/meta-data/", "public"),
            ("https://1\u{ff12}7.0.0.1/", "public"),
        ] {
            let refused = refusal(text);
            assert!(
                refused.as_ref().is_some_and(|why| why.contains(part)),
                "{text}: {refused:?}"
            );
        }
        let policy = Policy {
            allows_http: true,
            networks: vec![],
        };
        let refused = Target::parse("ftp://example.com/", &policy).unwrap_err();
        assert!(refused.to_string().contains("or http://"), "{refused}");
        Target::parse("http://example.com/", &policy).unwrap();
        let long = format!("https://example.com/{}", "x".repeat(LONGEST));
        assert!(refusal(&long).is_some());
        for text in [
            "https://example.com/hook?a=b",
            "https://8.8.8.8:8443/",
            "https://[2606:4700::1]/",
        ] {
            assert_eq!(refusal(text), None, "{text}");
        }
    }

    #[test]
    fn a_target_is_written_as_requests_have_it() {
        let target = |text| Target::parse(text, &Policy::default()).unwrap();
        let one = target("https://EXAMPLE.com:443/a/../b?c=d e");
        assert_eq!(
            (one.authority().as_str(), one.path().as_str()),
            ("example.com", "/b?c=d%20e")
        );
        let other = target("https://[2606:4700::1]:8443");
        assert_eq!(
            (other.authority().as_str(), other.path().as_str()),
            ("[2606:4700::1]:8443", "/")
        );
        assert_eq!((other.port(), other.is_https()), (8443, true));
    }
}
