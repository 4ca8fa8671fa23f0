//! `Accept` (RFC 9110, section 12.5.1), where an operation has a second form of its answer: it is sent
//! to those who name its media type, whatever weights they give.

use poem::http::HeaderMap;
use poem::http::header::ACCEPT;

/// Returns whether the client names this media type; a wildcard names none.
#[must_use]
pub fn names_media_type(headers: &HeaderMap, media_type: &str) -> bool {
    let lines = headers.get_all(ACCEPT).iter();
    let mut ranges = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    ranges.any(|range| {
        let essence = range.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case(media_type)
    })
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
        assert!(!named(&[]));
        assert!(!named(&["*/*"]));
        assert!(!named(&["application/*, application/json+x"]));
    }
}
