//! The header fields of tus requests.

use domain::{ByteSize, UploadId};
use poem::http::HeaderMap;
use poem::http::header::CONTENT_TYPE;

use crate::problem::{Code, Problem};

/// How long an upload is, as its creation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// So many bytes.
    Known(u64),
    /// A later request says.
    Deferred,
}

/// `Upload-Concat`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concat {
    /// An upload of its own.
    None,
    /// A part of another one.
    Partial,
    /// These parts, joined.
    Final(Vec<UploadId>),
}

/// The most parts that one upload joins.
const MOST_PARTS: usize = 1_000;

/// Returns a field as text; empty if it is missing.
pub fn text<'h>(headers: &'h HeaderMap, name: &str) -> Result<&'h str, Problem> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map_or(Ok(""), |value| value.to_str());
    match (value, values.next()) {
        (Ok(value), None) => Ok(value.trim()),
        _ => Err(malformed(name, "must be one field in ASCII")),
    }
}

/// Returns a field that is a number.
pub fn number(headers: &HeaderMap, name: &str) -> Result<Option<u64>, Problem> {
    let text = text(headers, name)?;
    if text.is_empty() && !headers.contains_key(name) {
        return Ok(None);
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed(name, "must be a whole number"));
    }
    // A larger one is beyond every limit all the same.
    let number = text.parse().unwrap_or(u64::MAX);
    Ok(Some(number.min(i64::MAX.unsigned_abs())))
}

/// Returns whether the content is of this media type, whatever its parameters.
pub fn is_of_type(headers: &HeaderMap, media_type: &str) -> bool {
    let declared = headers.get(CONTENT_TYPE);
    let declared = declared.and_then(|declared| declared.to_str().ok());
    let essence = declared.and_then(|declared| declared.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(media_type))
}

impl Length {
    /// Reads `Upload-Length` and `Upload-Defer-Length`, of which one is needed.
    pub fn read(headers: &HeaderMap, max: ByteSize) -> Result<Self, Problem> {
        let length = number(headers, "upload-length")?;
        let deferred = text(headers, "upload-defer-length")?;
        match (length, deferred) {
            (Some(length), "") => {
                check_size(length, max)?;
                Ok(Self::Known(length))
            }
            (None, "1") => Ok(Self::Deferred),
            (None, "") => Err(malformed(
                "upload-length",
                "or Upload-Defer-Length is required",
            )),
            (Some(_), _) => Err(malformed("upload-length", "excludes Upload-Defer-Length")),
            (None, _) => Err(malformed("upload-defer-length", "must be 1")),
        }
    }

    /// Returns the length, if known.
    pub const fn known(self) -> Option<u64> {
        match self {
            Self::Known(length) => Some(length),
            Self::Deferred => None,
        }
    }
}

/// Refuses what is larger than a document may be.
pub fn check_size(length: u64, max: ByteSize) -> Result<(), Problem> {
    if length <= max.bytes() {
        return Ok(());
    }
    let detail = format!("The upload has more than {max} bytes, the most that is accepted.");
    Err(Problem::from(Code::TooLarge).with_detail(detail))
}

impl Concat {
    /// Reads the field. URLs of parts may be absolute or relative; their last segment is the id.
    pub fn read(field: &str) -> Result<Self, Problem> {
        if field.is_empty() {
            return Ok(Self::None);
        }
        if field == "partial" {
            return Ok(Self::Partial);
        }
        let parts = field
            .strip_prefix("final;")
            .ok_or_else(|| malformed("upload-concat", "must be partial, or final and a list"))?;
        let mut ids = Vec::new();
        for url in parts.split_ascii_whitespace() {
            let segment = url.rsplit('/').next().unwrap_or_default();
            let id = segment.parse();
            let id = id.map_err(|_| malformed("upload-concat", "names what is no upload"))?;
            if ids.contains(&id) {
                return Err(malformed("upload-concat", "names an upload twice"));
            }
            ids.push(id);
        }
        if ids.is_empty() || ids.len() > MOST_PARTS {
            return Err(malformed("upload-concat", "must name 1 to 1,000 uploads"));
        }
        Ok(Self::Final(ids))
    }
}

fn malformed(name: &str, what: &str) -> Problem {
    Problem::from(Code::BadRequest).with_detail(format!("The field {name} {what}."))
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderName;

    use super::*;

    fn headers(fields: &[(&str, &str)]) -> HeaderMap {
        let fields = fields.iter();
        let fields = fields
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()));
        fields.collect()
    }

    fn length(fields: &[(&str, &str)]) -> Result<Length, Code> {
        let read = Length::read(&headers(fields), ByteSize::new(10));
        read.map_err(|problem| problem.code())
    }

    #[test]
    fn a_length_is_given_or_deferred() {
        assert_eq!(length(&[("upload-length", "10")]), Ok(Length::Known(10)));
        assert_eq!(length(&[("upload-length", "0")]), Ok(Length::Known(0)));
        let deferred = ("upload-defer-length", "1");
        assert_eq!(length(&[deferred]), Ok(Length::Deferred));
        for large in ["11", "9223372036854775808", "99999999999999999999"] {
            assert_eq!(length(&[("upload-length", large)]), Err(Code::TooLarge));
        }
        for bad in [
            &[][..],
            &[("upload-length", "1"), deferred],
            &[("upload-defer-length", "2")],
            &[("upload-length", "")],
            &[("upload-length", "-1")],
            &[("upload-length", "+1")],
            &[("upload-length", "1.0")],
            &[("upload-length", "1"), ("upload-length", "2")],
        ] {
            let mut fields = HeaderMap::new();
            for (name, value) in bad {
                fields.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
            }
            let read = Length::read(&fields, ByteSize::new(10));
            assert_eq!(read.unwrap_err().code(), Code::BadRequest, "{bad:?}");
        }
    }

    #[test]
    fn a_media_type_has_no_case_and_may_have_parameters() {
        let is_of = |declared| is_of_type(&headers(&[("content-type", declared)]), "a/b+c");
        assert!(is_of("a/b+c") && is_of("A/B+C ; q=1"));
        assert!(!is_of("a/b") && !is_of("") && !is_of("a/b+cd"));
    }

    #[test]
    fn parts_are_known_by_the_end_of_their_urls() {
        let (one, other) = (
            "0190a5c0-0000-7000-8000-0000000000ff",
            "0190a5c0-0000-7000-8000-0000000000fe",
        );
        let field = format!("final;/v1/uploads/{one} https://example.org/v1/uploads/{other}");
        let ids = vec![one.parse().unwrap(), other.parse().unwrap()];
        assert_eq!(Concat::read(&field).unwrap(), Concat::Final(ids));
        assert_eq!(Concat::read("partial").unwrap(), Concat::Partial);
        assert_eq!(Concat::read("").unwrap(), Concat::None);
        for bad in [
            "final",
            "final;",
            "final;x",
            "whole",
            &format!("final;{one} {one}"),
        ] {
            assert!(Concat::read(bad).is_err(), "{bad}");
        }
    }
}
