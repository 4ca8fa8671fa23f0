//! `Accept` (RFC 9110, section 12.5.1), where an operation has a second form of its answer: it is sent
//! to those who name its media type, whatever weights they give but zero.

use poem::http::HeaderMap;
use poem::http::header::ACCEPT;

/// Returns whether the client names this media type and doesn't refuse it; a wildcard names none.
#[must_use]
pub fn names_media_type(headers: &HeaderMap, media_type: &str) -> bool {
    let lines = headers.get_all(ACCEPT).iter();
    let mut ranges = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    ranges.any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        essence.eq_ignore_ascii_case(media_type) && !parts.any(is_refusal)
    })
}

/// Whether a parameter is the weight of what isn't accepted (RFC 9110, section 12.4.2).
fn is_refusal(parameter: &str) -> bool {
    let weight = parameter.strip_prefix("q=");
    let weight = weight.or_else(|| parameter.strip_prefix("Q="));
    weight.is_some_and(|weight| weight.bytes().all(|byte| matches!(byte, b'0' | b'.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_named_among_others_and_by_no_wildcard() {
        let named = |lines: &[&str]| {
            let lines = lines.iter().map(|line| (ACCEPT, line.parse().unwrap()));
            names_media_type(&lines.collect(), "application/json")
        };
        assert!(named(&["application/json"]));
        assert!(named(&["text/plain, Application/JSON;q=0.1"]));
        assert!(named(&["text/plain", "application/json"]));
        assert!(named(&["application/json;q=0.001"]));
        assert!(!named(&["application/json;q=0"]));
        assert!(!named(&["application/json; Q=0.000, text/plain"]));
        assert!(!named(&[]));
        assert!(!named(&["*/*"]));
        assert!(!named(&["application/*, application/json+x"]));
    }
}
