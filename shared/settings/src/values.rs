//! Values that only settings have, and how they are written.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use domain::{ByteSize, Retention, Sha256, TypeMismatch};

/// The first admin's API key. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct BootstrapKey(String);

impl BootstrapKey {
    /// What the database keeps of it.
    #[must_use]
    pub fn hash(&self) -> Sha256 {
        Sha256::of(self.0.as_bytes())
    }
}

impl FromStr for BootstrapKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let printable = text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if printable && (32..=256).contains(&text.len()) && text.trim() == text {
            Ok(Self(text.to_owned()))
        } else {
            Err("a key has 32 to 256 printable ASCII characters")
        }
    }
}

impl fmt::Debug for BootstrapKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BootstrapKey(…)")
    }
}

/// A secret shared with whoever issues tokens. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret as the bytes that a key is made of.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// How `DOSSIER_TYPE_MISMATCH` is written.
#[derive(Clone, Copy, Debug)]
pub struct MismatchPolicy(pub TypeMismatch);

impl FromStr for MismatchPolicy {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "record" => Ok(Self(TypeMismatch::Record)),
            "reject" => Ok(Self(TypeMismatch::Reject)),
            _ => Err("it is record or reject"),
        }
    }
}

/// An origin whose scripts may use the API in a browser (RFC 6454).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorsOrigin {
    /// Every one.
    Any,
    /// This one, as browsers write it.
    One(String),
}

impl CorsOrigin {
    /// Whether the value of an `Origin` field is meant.
    #[must_use]
    pub fn allows(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::One(allowed) => allowed == origin,
        }
    }
}

impl FromStr for CorsOrigin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let wrong = "an origin is a scheme, a host and perhaps a port, such as https://app.example.com, or *";
        let url = url::Url::parse(text).map_err(|_| wrong)?;
        let origin = url.origin().ascii_serialization();
        // Browsers leave the default port out and write hosts in lower case: so is it compared.
        let bare = url.path() == "/" && !text.ends_with('/') && url.query().is_none();
        if bare && url.fragment().is_none() && url.username().is_empty() && origin != "null" {
            Ok(Self::One(origin))
        } else {
            Err(wrong)
        }
    }
}

/// Reads a duration such as `60s`, `24h` or `30d`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "a duration is a number and a unit, such as 60s, 24h or 30d".to_owned())
}

/// A number of what can't be none.
pub(super) fn parse_count(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .map_err(|_| "it is a whole number, at least 1".to_owned())
}

/// Longer than that nothing is kept or waited for: beyond it, dates end.
const LONGEST: Duration = Duration::from_hours(24 * 36_500);
const DAY: Duration = Duration::from_hours(24);

/// A duration between two others, or what is wrong with it.
fn between(text: &str, least: Duration, most: Duration, wrong: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        duration if (least..=most).contains(&duration) => Ok(duration),
        _ => Err(wrong.to_owned()),
    }
}

/// A lease shorter than a few seconds would end while its worker is well; of one of many days
/// nobody would wait for the end.
pub(super) fn parse_lease(text: &str) -> Result<Duration, String> {
    let least = Duration::from_secs(2);
    between(text, least, DAY, "a lease lasts 2s to 1d")
}

/// A time limit without which nothing would ever be done in time, or nothing would ever end.
pub(super) fn parse_timeout(text: &str) -> Result<Duration, String> {
    let (least, most) = (Duration::from_secs(1), Duration::from_hours(1));
    between(text, least, most, "a time limit is 1s to 1h")
}

/// How long a stop waits.
pub(super) fn parse_grace(text: &str) -> Result<Duration, String> {
    between(text, Duration::ZERO, DAY, "it is 1d at most")
}

/// How long something is kept that is of use: nobody means to lose it at once.
pub(super) fn parse_kept(text: &str) -> Result<Duration, String> {
    let least = Duration::from_secs(1);
    let wrong = "it is 1s to 36500d: with 0, all would be removed at once";
    between(text, least, LONGEST, wrong)
}

/// A time that may be none.
pub(super) fn parse_time(text: &str) -> Result<Duration, String> {
    between(text, Duration::ZERO, LONGEST, "it is 36500d at most")
}

/// A time after which something is done to what nobody uses.
pub(super) fn parse_stray(text: &str) -> Result<Duration, String> {
    let most = Duration::from_hours(24 * 365);
    let wrong = "uploads need time, and disks have an end: it is 10s to 365d";
    between(text, Retention::SHORTEST_STRAY, most, wrong)
}

/// A size that isn't zero.
pub(super) fn parse_some_bytes(text: &str) -> Result<ByteSize, String> {
    match text.parse::<ByteSize>() {
        Ok(ByteSize::ZERO) => Err("with 0 nothing would fit: it is 1 at least".to_owned()),
        Ok(size) => Ok(size),
        Err(error) => Err(error.to_string()),
    }
}

/// How many jobs run at once: each has connections, files and memory of its own.
pub(super) fn parse_concurrency(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(number) if number.get() <= 1_024 => Ok(number),
        _ => Err("it is 1 to 1024".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let text = "hidden".repeat(10);
        let key: BootstrapKey = text.parse().unwrap();
        let shown = format!("{key:?} {:?}", Secret::from(text));
        assert!(!shown.contains("hidden"), "{shown}");
    }

    #[test]
    fn a_bootstrap_key_is_long_and_printable() {
        assert!("k".repeat(32).parse::<BootstrapKey>().is_ok());
        for wrong in [
            "k".repeat(31),
            "k".repeat(257),
            "ключ".repeat(10),
            format!("{}\n", "k".repeat(40)),
        ] {
            assert!(wrong.parse::<BootstrapKey>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(parse_duration("30d"), Ok(Duration::from_hours(720)));
        assert!(parse_duration("30").is_err());
        assert!(parse_lease("1s").is_err());
        assert!(parse_lease("9999999999d").is_err());
        assert!(parse_timeout("999ms").is_err());
        assert!(parse_kept("0s").is_err());
    }

    #[test]
    fn an_origin_is_compared_as_browsers_write_it() {
        let read = |text: &str| text.parse::<CorsOrigin>();
        assert_eq!(
            read("HTTPS://App.Example.com:443"),
            Ok(CorsOrigin::One("https://app.example.com".to_owned()))
        );
        assert!(
            read("http://localhost:3000")
                .unwrap()
                .allows("http://localhost:3000")
        );
        assert!(read("*").unwrap().allows("https://anything"));
        for wrong in [
            "",
            "app.example.com",
            "https://x/",
            "https://x/y",
            "https://x?y",
            "https://u@x",
            "null",
            "file:///x",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
