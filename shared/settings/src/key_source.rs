//! Where the JWK set is: a file, or a URL that is shown without credentials.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The location of a key set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A key set in a file.
    File(PathBuf),
    /// A key set at an `http` or `https` URL.
    Url(KeySetUrl),
}

impl FromStr for KeySource {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(Self::Url(KeySetUrl(text.to_owned())));
        }
        let path = text.strip_prefix("file://").unwrap_or(text);
        Ok(Self::File(PathBuf::from(path)))
    }
}

/// A URL, as configured. It may contain a password or a token, so only [`KeySetUrl::expose`]
/// returns it whole.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySetUrl(String);

impl KeySetUrl {
    /// Returns the whole URL, to fetch it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns whether it is fetched without TLS.
    #[must_use]
    pub fn is_plain_http(&self) -> bool {
        self.0.starts_with("http://")
    }
}

/// Shown without user, password, query and fragment.
impl fmt::Display for KeySetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(mut url) = url::Url::parse(&self.0) else {
            // What is secret in it can't be known.
            return f.write_str("an invalid URL");
        };
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        url.set_fragment(None);
        url.fmt(f)
    }
}

impl fmt::Debug for KeySetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_a_url_are_never_shown() {
        for (text, shown) in [
            (
                "https://u:hidden@id.example.com/keys?token=hidden#hidden",
                "https://id.example.com/keys",
            ),
            ("http://hidden@127.0.0.1:1/keys", "http://127.0.0.1:1/keys"),
            ("https://u:hidden@[broken/keys", "an invalid URL"),
        ] {
            let source: KeySource = text.parse().unwrap();
            let KeySource::Url(url) = &source else {
                panic!("{source:?}");
            };
            assert_eq!(url.to_string(), shown);
            assert_eq!(url.expose(), text);
            let debug = format!("{source:?}");
            assert!(
                debug.contains(shown) && !debug.contains("hidden"),
                "{debug}"
            );
        }
    }

    #[test]
    fn what_is_no_http_url_is_a_file() {
        for text in ["/etc/keys.json", "file:///etc/keys.json"] {
            let file = KeySource::File(PathBuf::from("/etc/keys.json"));
            assert_eq!(text.parse(), Ok(file));
        }
    }
}
