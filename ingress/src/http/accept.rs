//! `Accept` (RFC 9110, section 12.5.1), where an operation has a second form of its answer: it is sent
//! to those who name its media type, and don't give the first one more weight.

use poem::http::HeaderMap;
use poem::http::header::ACCEPT;

/// Returns whether the client names `second`, and wants `first` no more than that. A wildcard names
/// none.
#[must_use]
pub fn prefers(headers: &HeaderMap, second: &str, first: &str) -> bool {
    let weight = |ranges: &[&str]| {
        let weights = ranges.iter().map(|range| weight_of(headers, range));
        weights.flatten().next()
    };
    let whole = first.split_once('/').map_or(first, |(kind, _)| kind);
    let named = weight(&[second]).unwrap_or_default();
    named > 0.0 && named >= weight(&[first, &format!("{whole}/*"), "*/*"]).unwrap_or_default()
}

/// The weight of a media range that the client gives, from 0 to 1 (RFC 9110, section 12.4.2): the
/// greatest, if there are several.
fn weight_of(headers: &HeaderMap, wanted: &str) -> Option<f32> {
    let lines = headers.get_all(ACCEPT).iter();
    let ranges = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    let weights = ranges.filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        essence
            .eq_ignore_ascii_case(wanted)
            .then(|| parts.find_map(weight).unwrap_or(1.0))
    });
    weights.max_by(f32::total_cmp)
}

fn weight(parameter: &str) -> Option<f32> {
    let weight = parameter.strip_prefix("q=");
    let weight = weight.or_else(|| parameter.strip_prefix("Q="))?;
    // What is no weight has none to say.
    let weight = weight
        .parse()
        .ok()
        .filter(|weight| (0.0..=1.0).contains(weight));
    Some(weight.unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_form_goes_to_who_names_it_and_wants_it_no_less() {
        let preferred = |lines: &[&str]| {
            let lines = lines.iter().map(|line| (ACCEPT, line.parse().unwrap()));
            prefers(&lines.collect(), "text/event-stream", "application/json")
        };
        assert!(preferred(&["text/event-stream"]));
        assert!(preferred(&["text/plain, Text/Event-Stream;q=0.1"]));
        assert!(preferred(&["application/json", "text/event-stream"]));
        assert!(preferred(&["*/*;q=0.1, text/event-stream;q=0.5"]));
        assert!(preferred(&["text/event-stream;q=x"]));
        assert!(!preferred(&["application/json, text/event-stream;q=0.5"]));
        assert!(!preferred(&["text/event-stream;q=0.1", "application/*"]));
        assert!(!preferred(&["text/event-stream;q=0"]));
        assert!(!preferred(&["text/event-stream; Q=0.000, text/plain"]));
        assert!(!preferred(&[]));
        assert!(!preferred(&["*/*"]));
        assert!(!preferred(&["text/*, text/event-stream+x"]));
    }
}
