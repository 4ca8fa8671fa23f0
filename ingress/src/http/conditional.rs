//! Conditional requests of RFC 9110, section 13, for safe methods.

use std::time::UNIX_EPOCH;

use domain::Timestamp;
use poem::http::HeaderMap;
use poem::http::header::{
    HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
};

/// In microseconds.
const SECOND: i64 = 1_000_000;

/// The validators of a representation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    /// The strong entity tag, with quotes.
    pub etag: String,
    /// When it was last modified.
    pub modified_at: Timestamp,
    /// Whether more than one state shares the second of `modified_at`.
    pub is_second_shared: bool,
}

/// The result of evaluating conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition<'a> {
    /// A precondition failed: 412.
    Failed,
    /// The client's copy is current: 304.
    NotModified,
    /// Answer, with this `Range` if any.
    Answer {
        /// The value of `Range`, if it applies to this state.
        range: Option<&'a str>,
    },
}

/// Evaluates `If-Match`, `If-Unmodified-Since`, `If-None-Match`, `If-Modified-Since` and
/// `If-Range`, in that order of precedence (RFC 9110, section 13.2.2), for an answer that is
/// made `now`.
#[must_use]
pub fn evaluate<'a>(
    headers: &'a HeaderMap,
    validators: &Validators,
    now: Timestamp,
) -> Condition<'a> {
    let modified = whole_seconds(validators.modified_at);
    if !is_wanted(headers, validators) {
        return Condition::Failed;
    }
    let not_modified = if headers.contains_key(IF_NONE_MATCH) {
        matches_etag(headers, &IF_NONE_MATCH, &validators.etag)
    } else {
        // A client with another content of that second must get this one.
        !validators.is_second_shared
            && single(headers, &IF_MODIFIED_SINCE)
                .and_then(seconds)
                .is_some_and(|since| modified <= since)
    };
    if not_modified {
        return Condition::NotModified;
    }
    let range_holds = match (headers.contains_key(IF_RANGE), single(headers, &IF_RANGE)) {
        (false, _) => true,
        (true, Some(tag)) if tag.starts_with('"') => tag == validators.etag,
        (true, Some(date)) => is_date_strong(validators, now) && seconds(date) == Some(modified),
        (true, None) => false,
    };
    Condition::Answer {
        range: single(headers, &RANGE).filter(|_| range_holds),
    }
}

/// Evaluates `If-Match`, or else `If-Unmodified-Since`.
fn is_wanted(headers: &HeaderMap, validators: &Validators) -> bool {
    if headers.contains_key(IF_MATCH) {
        return matches_strongly(headers, &IF_MATCH, &validators.etag);
    }
    let Some(since) = single(headers, &IF_UNMODIFIED_SINCE).and_then(seconds) else {
        return true;
    };
    let modified = whole_seconds(validators.modified_at);
    // A client with another content of that second must not continue with this one.
    modified < since || modified == since && !validators.is_second_shared
}

/// Returns whether the list in `field` is `*` or contains `etag` by strong comparison (RFC 9110,
/// section 13.1.1).
fn matches_strongly(headers: &HeaderMap, field: &HeaderName, etag: &str) -> bool {
    let lines = headers.get_all(field).iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    lines
        .flat_map(entity_tags)
        .any(|tag| tag == "*" || tag == etag)
}

/// Returns whether the modification date is a strong validator (RFC 9110, section 8.8.2.2). Within
/// a second of a change another one with the same date may follow.
fn is_date_strong(validators: &Validators, now: Timestamp) -> bool {
    let age = now
        .as_micros()
        .saturating_sub(validators.modified_at.as_micros());
    !validators.is_second_shared && age >= SECOND
}

/// Returns whether the answer depends on the date as a strong validator.
#[must_use]
pub fn depends_on_date(headers: &HeaderMap) -> bool {
    let has_date = |field| single(headers, field).and_then(seconds).is_some();
    (headers.contains_key(RANGE) && has_date(&IF_RANGE))
        || (!headers.contains_key(IF_NONE_MATCH) && has_date(&IF_MODIFIED_SINCE))
        || (!headers.contains_key(IF_MATCH) && has_date(&IF_UNMODIFIED_SINCE))
}

/// Returns whether the list in `field` is `*` or contains `etag` by weak comparison.
#[must_use]
pub fn matches_etag(headers: &HeaderMap, field: &HeaderName, etag: &str) -> bool {
    let lines = headers
        .get_all(field)
        .iter()
        .filter_map(|line| line.to_str().ok());
    lines
        .flat_map(entity_tags)
        .any(|tag| tag == "*" || opaque(tag) == opaque(etag))
}

/// Splits one line of a field into entity tags. A quoted tag may contain a comma.
#[must_use]
pub fn entity_tags(line: &str) -> Vec<&str> {
    let mut tags = Vec::new();
    let (mut start, mut quoted) = (0, false);
    for (position, byte) in line.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                tags.push(line[start..position].trim());
                start = position + 1;
            }
            _ => {}
        }
    }
    tags.push(line[start..].trim());
    tags
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// Returns the value of a field that occurs exactly once.
fn single<'a>(headers: &'a HeaderMap, field: &HeaderName) -> Option<&'a str> {
    let mut lines = headers.get_all(field).iter();
    let line = lines.next()?.to_str().ok()?;
    lines.next().is_none().then(|| line.trim())
}

fn whole_seconds(moment: Timestamp) -> i64 {
    moment.as_micros().div_euclid(SECOND)
}

/// Parses an HTTP date in any of its three formats (RFC 9110, section 5.6.7) to seconds since the
/// epoch. Dates that contradict themselves are refused.
fn seconds(date: &str) -> Option<i64> {
    let moment = httpdate::parse_http_date(date).ok()?;
    let since = moment.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn validators() -> Validators {
        Validators {
            etag: "\"abc\"".to_owned(),
            modified_at: Timestamp::parse_rfc3339("1994-11-06T08:49:37.5Z").unwrap(),
            is_second_shared: false,
        }
    }

    /// The three forms of [`DATE`].
    const FORMS: [&str; 3] = [
        DATE,
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ];

    fn later() -> Timestamp {
        Timestamp::parse_rfc3339("1994-11-06T08:49:38.5Z").unwrap()
    }

    fn headers(fields: &[(&HeaderName, &str)]) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| ((*name).clone(), value.parse().unwrap()))
            .collect()
    }

    fn not_modified(fields: &[(&HeaderName, &str)]) -> bool {
        evaluate(&headers(fields), &validators(), later()) == Condition::NotModified
    }

    fn range_holds(fields: &[(&HeaderName, &str)]) -> bool {
        range_holds_at(fields, &validators(), later())
    }

    fn range_holds_at(
        fields: &[(&HeaderName, &str)],
        validators: &Validators,
        now: Timestamp,
    ) -> bool {
        let headers = headers(&[fields, &[(&RANGE, "bytes=0-0")]].concat());
        evaluate(&headers, validators, now)
            == Condition::Answer {
                range: Some("bytes=0-0"),
            }
    }

    #[test]
    fn a_tag_that_matches_weakly_is_enough_for_304() {
        for list in [
            "\"abc\"",
            "W/\"abc\"",
            "\"x\", \"abc\"",
            "*",
            "\"a,b\",\"abc\"",
        ] {
            assert!(not_modified(&[(&IF_NONE_MATCH, list)]), "{list}");
        }
        for list in ["\"x\"", "abc", "", "\"a,\"abc\""] {
            assert!(!not_modified(&[(&IF_NONE_MATCH, list)]), "{list}");
        }
    }

    #[test]
    fn another_state_than_the_one_asked_for_fails() {
        let failed = |fields: &[(&HeaderName, &str)]| {
            evaluate(&headers(fields), &validators(), later()) == Condition::Failed
        };
        for list in ["\"abc\"", "*", "\"x\", \"abc\""] {
            assert!(!failed(&[(&IF_MATCH, list)]), "{list}");
        }
        for list in ["\"x\"", "W/\"abc\"", "abc", "", "\"x\", W/\"abc\""] {
            assert!(failed(&[(&IF_MATCH, list)]), "{list}");
            // Before it could be a strong validator.
            assert!(
                failed(&[(&IF_MATCH, list), (&IF_NONE_MATCH, "*")]),
                "{list}"
            );
        }
        let before = "Sun, 06 Nov 1994 08:49:36 GMT";
        assert!(failed(&[(&IF_UNMODIFIED_SINCE, before)]));
        assert!(!failed(&[(&IF_UNMODIFIED_SINCE, DATE)]));
        assert!(!failed(&[(&IF_UNMODIFIED_SINCE, "yesterday")]));
        assert!(!failed(&[(&IF_MATCH, "*"), (&IF_UNMODIFIED_SINCE, before)]));
    }

    #[test]
    fn a_tag_rules_out_the_date() {
        assert!(!not_modified(&[
            (&IF_NONE_MATCH, "\"x\""),
            (&IF_MODIFIED_SINCE, DATE)
        ]));
    }

    #[test]
    fn a_date_counts_by_the_second() {
        for date in FORMS {
            assert!(not_modified(&[(&IF_MODIFIED_SINCE, date)]), "{date}");
        }
        assert!(!not_modified(&[(
            &IF_MODIFIED_SINCE,
            "Sun, 06 Nov 1994 08:49:36 GMT"
        )]));
        for bad in [
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "yesterday",
            "Sun, 31 Feb 2094 08:49:37 GMT",
        ] {
            assert!(!not_modified(&[(&IF_MODIFIED_SINCE, bad)]), "{bad}");
        }
    }

    #[test]
    fn a_range_holds_only_for_the_state_it_was_meant_for() {
        assert!(range_holds(&[]));
        assert!(range_holds(&[(&IF_RANGE, "\"abc\"")]));
        for date in FORMS {
            assert!(range_holds(&[(&IF_RANGE, date)]), "{date}");
        }
        for other in ["\"x\"", "W/\"abc\"", "Sun, 06 Nov 1994 08:49:38 GMT", "abc"] {
            assert!(!range_holds(&[(&IF_RANGE, other)]), "{other}");
        }
    }

    #[test]
    fn a_date_does_not_tell_contents_of_one_second_apart() {
        let by_date = [(&IF_RANGE, DATE)];
        let within = Timestamp::parse_rfc3339("1994-11-06T08:49:37.999Z").unwrap();
        // Another second, but less than one after 37.5.
        let soon = Timestamp::parse_rfc3339("1994-11-06T08:49:38.499Z").unwrap();
        for now in [within, soon] {
            assert!(!range_holds_at(&by_date, &validators(), now));
        }
        assert!(range_holds_at(&by_date, &validators(), later()));
        let shared = Validators {
            is_second_shared: true,
            ..validators()
        };
        assert!(!range_holds_at(&by_date, &shared, later()));
        assert!(range_holds_at(&[(&IF_RANGE, "\"abc\"")], &shared, within));
        let since = headers(&[(&IF_MODIFIED_SINCE, DATE)]);
        assert_ne!(evaluate(&since, &shared, later()), Condition::NotModified);
        let of_state = |validators: &Validators, date: &str| {
            let since = headers(&[(&IF_UNMODIFIED_SINCE, date), (&RANGE, "bytes=0-0")]);
            evaluate(&since, validators, later()) != Condition::Failed
        };
        assert!(of_state(&validators(), DATE));
        assert!(!of_state(&shared, DATE));
        assert!(of_state(&shared, "Sun, 06 Nov 1994 08:49:38 GMT"));
    }

    #[test]
    fn what_changed_since_is_not_answered() {
        let failed = |fields: &[(&HeaderName, &str)]| {
            evaluate(&headers(fields), &validators(), later()) == Condition::Failed
        };
        for date in FORMS {
            assert!(!failed(&[(&IF_UNMODIFIED_SINCE, date)]), "{date}");
        }
        for date in [
            "Sun, 06 Nov 1994 08:49:36 GMT",
            "Sunday, 06-Nov-94 08:49:36 GMT",
            "Sun Nov  6 08:49:36 1994",
        ] {
            let since = (&IF_UNMODIFIED_SINCE, date);
            assert!(failed(&[since]), "{date}");
            assert!(!failed(&[since, (&IF_MATCH, "*")]), "{date}");
        }
        assert!(!failed(&[(&IF_UNMODIFIED_SINCE, "yesterday")]));
    }
}
