//! Media types (RFC 6838) and the operator's policy on them.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// A media type without parameters, in lower case: `application/pdf`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct MediaType(String);

/// A text that is not a media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a media type is two tokens with a slash between, such as application/pdf")]
pub struct ParseMediaTypeError;

impl MediaType {
    /// The type as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Parses a `Content-Type` without its parameters.
impl FromStr for MediaType {
    type Err = ParseMediaTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let essence = text.split(';').next().unwrap_or_default().trim();
        let (kind, subtype) = essence.split_once('/').ok_or(ParseMediaTypeError)?;
        if essence.len() <= 255 && is_token(kind) && is_token(subtype) {
            Ok(Self(essence.to_ascii_lowercase()))
        } else {
            Err(ParseMediaTypeError)
        }
    }
}

/// A token of RFC 9110.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// A type, `image/*`, or `*/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypePattern(MediaType);

impl TypePattern {
    /// Returns whether it matches `media_type`.
    #[must_use]
    pub fn matches(&self, media_type: &MediaType) -> bool {
        match self.0.as_str() {
            "*/*" => true,
            pattern => match pattern.strip_suffix('*') {
                Some(family) => media_type.as_str().starts_with(family),
                None => pattern == media_type.as_str(),
            },
        }
    }
}

impl FromStr for TypePattern {
    type Err = ParseMediaTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let pattern: MediaType = text.parse()?;
        let (kind, subtype) = pattern.as_str().split_once('/').unwrap_or_default();
        let family = subtype == "*" && !kind.contains('*');
        let exact = !pattern.as_str().contains('*');
        if family || exact || pattern.as_str() == "*/*" {
            Ok(Self(pattern))
        } else {
            Err(ParseMediaTypeError)
        }
    }
}

impl fmt::Display for TypePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The operator's policy on detected types.
#[derive(Clone, Debug)]
pub struct TypePolicy {
    /// The type must match one of these.
    pub allowed: Vec<TypePattern>,
    /// The type must match none of these.
    pub blocked: Vec<TypePattern>,
}

impl TypePolicy {
    /// Returns whether documents of the detected type are accepted.
    #[must_use]
    pub fn permits(&self, detected: &MediaType) -> bool {
        let any =
            |patterns: &[TypePattern]| patterns.iter().any(|pattern| pattern.matches(detected));
        any(&self.allowed) && !any(&self.blocked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media_type(text: &str) -> MediaType {
        text.parse().unwrap()
    }

    #[test]
    fn parameters_and_case_are_dropped() {
        assert_eq!(media_type("Text/HTML; charset=utf-8").as_str(), "text/html");
        for wrong in ["", "text", "text/", "/html", "te xt/html", "text/ht ml"] {
            assert!(wrong.parse::<MediaType>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_blocked_type_wins_over_an_allowed_family() {
        let policy = TypePolicy {
            allowed: vec![
                "image/*".parse().unwrap(),
                "application/pdf".parse().unwrap(),
            ],
            blocked: vec!["image/svg+xml".parse().unwrap()],
        };
        assert!(policy.permits(&media_type("image/png")));
        assert!(policy.permits(&media_type("application/pdf")));
        assert!(!policy.permits(&media_type("image/svg+xml")));
        assert!(!policy.permits(&media_type("text/plain")));
    }

    #[test]
    fn half_patterns_are_refused() {
        for wrong in ["*", "*/png", "im*/png", "image/p*"] {
            assert!(wrong.parse::<TypePattern>().is_err(), "{wrong}");
        }
    }
}
