//! Types and parsers of setting values.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use domain::{ByteSize, Retention, Sha256, TypeMismatch};

/// The first admin's API key; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct BootstrapKey(String);

impl BootstrapKey {
    /// Returns the hash that the database stores.
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
            Err("must have 32 to 256 printable ASCII characters")
        }
    }
}

impl fmt::Debug for BootstrapKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BootstrapKey(…)")
    }
}

/// A secret shared with the token issuer; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Returns the secret's bytes.
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

/// The value of `DOSSIER_TYPE_MISMATCH`.
#[derive(Clone, Copy, Debug)]
pub struct MismatchPolicy(pub TypeMismatch);

impl FromStr for MismatchPolicy {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "record" => Ok(Self(TypeMismatch::Record)),
            "reject" => Ok(Self(TypeMismatch::Reject)),
            _ => Err("must be record or reject"),
        }
    }
}

/// An origin whose scripts may use the API in a browser (RFC 6454).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorsOrigin {
    /// Any origin.
    Any,
    /// One origin, as browsers send it.
    One(String),
}

impl CorsOrigin {
    /// Returns whether the value of an `Origin` field matches.
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
        let wrong =
            "must be a scheme, a host and an optional port, such as https://app.example.com, or *";
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

/// Parses a duration such as `60s`, `24h` or `30d`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "must be a number with a unit, such as 60s, 24h or 30d".to_owned())
}

/// Parses a positive whole number.
pub(super) fn parse_count(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .map_err(|_| "must be a whole number, at least 1".to_owned())
}

/// The longest duration: later dates can't be represented.
const LONGEST: Duration = Duration::from_hours(24 * 36_500);
const DAY: Duration = Duration::from_hours(24);

/// Parses a duration between two bounds; `wrong` is the error.
fn between(text: &str, least: Duration, most: Duration, wrong: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        duration if (least..=most).contains(&duration) => Ok(duration),
        _ => Err(wrong.to_owned()),
    }
}

/// Parses how long a presigned URL lives: the protocols allow a week.
pub(super) fn parse_presigned(text: &str) -> Result<Duration, String> {
    let wrong = "must be between 1s and 7d";
    between(text, Duration::from_secs(1), 7 * DAY, wrong)
}

/// Parses the lease: a shorter one would expire while its worker is healthy, and nobody would wait
/// for the end of a much longer one.
pub(super) fn parse_lease(text: &str) -> Result<Duration, String> {
    let least = Duration::from_secs(2);
    between(text, least, DAY, "must be 2s to 1d")
}

/// Parses how long somebody stays signed in.
pub(super) fn parse_session(text: &str) -> Result<Duration, String> {
    between(text, Duration::from_mins(1), 90 * DAY, "must be 1m to 90d")
}

/// Parses a timeout.
pub(super) fn parse_timeout(text: &str) -> Result<Duration, String> {
    let (least, most) = (Duration::from_secs(1), Duration::from_hours(1));
    between(text, least, most, "must be 1s to 1h")
}

/// Parses the grace period.
pub(super) fn parse_grace(text: &str) -> Result<Duration, String> {
    between(text, Duration::ZERO, DAY, "must be at most 1d")
}

/// Parses a retention that can't be zero: nobody means to lose data at once.
pub(super) fn parse_kept(text: &str) -> Result<Duration, String> {
    let least = Duration::from_secs(1);
    let wrong = "must be 1s to 36500d; 0 would remove everything at once";
    between(text, least, LONGEST, wrong)
}

/// Parses a duration that may be zero.
pub(super) fn parse_time(text: &str) -> Result<Duration, String> {
    between(text, Duration::ZERO, LONGEST, "must be at most 36500d")
}

/// Parses the age at which unused bytes are removed.
pub(super) fn parse_stray(text: &str) -> Result<Duration, String> {
    let most = Duration::from_hours(24 * 365);
    let wrong = "must be 10s to 365d";
    between(text, Retention::SHORTEST_STRAY, most, wrong)
}

/// Parses a positive size.
pub(super) fn parse_some_bytes(text: &str) -> Result<ByteSize, String> {
    match text.parse::<ByteSize>() {
        Ok(ByteSize::ZERO) => Err("must be at least 1; with 0 nothing would fit".to_owned()),
        Ok(size) => Ok(size),
        Err(error) => Err(error.to_string()),
    }
}

/// Parses a size that is kept in a row, and in memory on its way there.
pub(super) fn parse_few_bytes(text: &str) -> Result<ByteSize, String> {
    match text.parse::<ByteSize>() {
        Ok(size) if size <= ByteSize::mebibytes(1) => Ok(size),
        Ok(_) => Err("must be at most 1MiB".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Parses the concurrency: each job needs connections, files and memory.
pub(super) fn parse_concurrency(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(number) if number.get() <= 1_024 => Ok(number),
        _ => Err("must be 1 to 1024".to_owned()),
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
