//! `Prefer: wait=N` (RFC 7240): how long a client is willing to wait. The field predates structured
//! fields and has its own syntax.

use std::fmt;
use std::time::Duration;

use poem::http::HeaderMap;
use poem::{Request, RequestBody, Result};
use poem_openapi::registry::{MetaParamIn, MetaSchemaRef};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

/// The longest wait in seconds.
const MAX_SECONDS: u64 = 60;

/// The `Prefer` field as a parameter of an operation. Other preferences and malformed ones are
/// ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefer {
    /// How long to wait.
    pub wait: Option<Wait>,
}

/// A wait; displayed as in `Preference-Applied`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(u64);

impl Wait {
    /// How long.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wait={}", self.0)
    }
}

impl Prefer {
    fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all("prefer").iter();
        let mut preferences = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','));
        Self {
            // The first occurrence counts (RFC 7240, section 2).
            wait: preferences.find_map(wait),
        }
    }
}

/// Parses `wait=10`, case-insensitive, ignoring parameters.
fn wait(preference: &str) -> Option<Wait> {
    let (token, value) = preference.split(';').next()?.split_once('=')?;
    let digits = value.trim().trim_matches('"');
    let seconds: u64 = digits.parse().ok().filter(|_| !digits.starts_with('+'))?;
    let is_wait = token.trim().eq_ignore_ascii_case("wait");
    is_wait.then(|| Wait(seconds.min(MAX_SECONDS)))
}

impl<'a> ApiExtractor<'a> for Prefer {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];

    type ParamType = ();
    type ParamRawType = ();

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Header)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(String::schema_ref())
    }

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> Result<Self> {
        Ok(Self::of(request.headers()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Option<String> {
        let name = || "prefer".parse().unwrap();
        let lines = lines.iter().map(|line| (name(), line.parse().unwrap()));
        Prefer::of(&lines.collect())
            .wait
            .map(|wait| wait.to_string())
    }

    #[test]
    fn a_wait_is_found_among_other_preferences() {
        for line in [
            "wait=5",
            "respond-async, wait=5",
            "Wait = 5; foo=bar",
            "wait=\"5\"",
            "wait=x, wait=5, wait=9",
        ] {
            assert_eq!(read(&[line]).as_deref(), Some("wait=5"), "{line}");
        }
        assert_eq!(
            read(&["return=minimal", "wait=5"]).as_deref(),
            Some("wait=5")
        );
    }

    #[test]
    fn nobody_waits_longer_than_a_minute() {
        assert_eq!(read(&["wait=3600"]).as_deref(), Some("wait=60"));
    }

    #[test]
    fn what_cannot_be_read_is_no_preference() {
        for line in [
            "", "wait", "wait=", "wait=-1", "wait=+1", "wait=1.5", "await=1",
        ] {
            assert_eq!(read(&[line]), None, "{line}");
        }
    }
}
