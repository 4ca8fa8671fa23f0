//! Filters of documents: as query parameters, or as a JSON object with the same names.

use std::str::FromStr;

use domain::{
    ByteSize, DocumentName, Metadata, Status, Timestamp, TypePattern, check_storable, read_json,
};
use ledger::{DocumentFilter, Sort};
use poem_openapi::Object;
use serde_json::Value;

use super::{MetadataText, Moment, NamePartText, StatusesText, TypePatternText, truth};
use crate::http::{FromMembers, Members};
use crate::problem::{FieldError, Problem};

/// The query parameters of a list with their own syntax.
#[derive(Clone, Debug, Default)]
pub struct FilterTexts {
    /// `?status=`, a comma list.
    pub status: Option<String>,
    /// `?mime_type=`, a type or a family.
    pub mime_type: Option<String>,
    /// `?name=`, a part of the name.
    pub name: Option<String>,
    /// `?metadata=`, a JSON object.
    pub metadata: Option<String>,
    /// `?sort=`
    pub sort: Option<String>,
}

impl FilterTexts {
    /// Adds them to `filter`, and returns the sort order. Reports every invalid one.
    pub fn read(self, filter: DocumentFilter) -> Result<(DocumentFilter, Sort), Problem> {
        let mut errors = Vec::new();
        let statuses = read("status", self.status, statuses, &mut errors);
        let media_types = read(
            "mime_type",
            self.mime_type,
            parse::<TypePattern>,
            &mut errors,
        );
        let name_part = read("name", self.name, name_part, &mut errors);
        let metadata = read("metadata", self.metadata, metadata, &mut errors);
        let sort = read("sort", self.sort, parse::<Sort>, &mut errors);
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        let filter = DocumentFilter {
            statuses: statuses.unwrap_or(filter.statuses),
            media_types,
            name_part,
            metadata,
            ..filter
        };
        Ok((filter, sort.unwrap_or_default()))
    }
}

fn read<T>(
    pointer: &str,
    text: Option<String>,
    parse: impl FnOnce(&str) -> Result<T, String>,
    errors: &mut Vec<FieldError>,
) -> Option<T> {
    match parse(&text?) {
        Ok(value) => Some(value),
        Err(detail) => {
            errors.push(FieldError {
                pointer: pointer.to_owned(),
                detail,
            });
            None
        }
    }
}

fn parse<T: FromStr<Err: ToString>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// In canonical order.
fn statuses(text: &str) -> Result<Vec<Status>, String> {
    let named: Vec<Status> = text.split(',').map(parse).collect::<Result<_, _>>()?;
    let all = Status::ALL.into_iter();
    Ok(all.filter(|status| named.contains(status)).collect())
}

fn name_part(text: &str) -> Result<String, String> {
    let most = DocumentName::MAX_CHARACTERS;
    if text.chars().nth(most).is_some() {
        return Err(format!("must have at most {most} characters"));
    }
    check_storable(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

fn metadata(text: &str) -> Result<Metadata, String> {
    let value: Value =
        read_json(text.as_bytes()).map_err(|_| "must be a JSON object".to_owned())?;
    contained(value)
}

/// Parses metadata to be contained.
fn contained(value: Value) -> Result<Metadata, String> {
    let metadata = Metadata::try_from(value).map_err(|error| error.to_string())?;
    if DocumentFilter::is_too_deep(&metadata) {
        let most = DocumentFilter::MAX_DEPTH;
        return Err(format!("must not be nested deeper than {most}"));
    }
    if DocumentFilter::is_too_wide(&metadata) {
        let most = DocumentFilter::MAX_VALUES;
        return Err(format!(
            "must have at most {most} values, counting the elements of arrays"
        ));
    }
    Ok(metadata)
}

/// A filter with the parameters of the document list.
#[derive(Debug, Object)]
#[oai(rename = "DocumentFilter")]
pub struct DocumentFilterBody {
    /// Statuses, as a comma list: `pending`, `active`, `archived`, `error`. All but `archived` by default.
    pub status: Option<StatusesText>,
    /// A media type such as `application/pdf`, or a range such as `image/*`.
    pub mime_type: Option<TypePatternText>,
    /// Part of the name, case-insensitive.
    pub name: Option<NamePartText>,
    /// Whether anybody may read it.
    pub is_public: Option<bool>,
    /// Accepted after this time.
    pub created_after: Option<Moment>,
    /// Accepted before this time.
    pub created_before: Option<Moment>,
    /// Changed after this time.
    pub updated_after: Option<Moment>,
    /// Changed before this time.
    pub updated_before: Option<Moment>,
    /// Minimum size in bytes.
    pub min_size: Option<u64>,
    /// Maximum size in bytes.
    pub max_size: Option<u64>,
    /// What the metadata contains.
    pub metadata: Option<MetadataText>,
}

impl FromMembers for DocumentFilter {
    type Schema = DocumentFilterBody;

    fn take(members: &mut Members) -> Option<Self> {
        let all = Self::default();
        Some(Self {
            statuses: text(members, "status", statuses).unwrap_or(all.statuses),
            media_types: text(members, "mime_type", parse::<TypePattern>),
            name_part: text(members, "name", name_part),
            is_public: member(members, "is_public", |value| truth(&value)),
            created_after: text(members, "created_after", moment),
            created_before: text(members, "created_before", moment),
            updated_after: text(members, "updated_after", moment),
            updated_before: text(members, "updated_before", moment),
            min_size: member(members, "min_size", |value| size(&value)),
            max_size: member(members, "max_size", |value| size(&value)),
            metadata: member(members, "metadata", contained),
        })
    }
}

fn member<T, E: ToString>(
    members: &mut Members,
    name: &str,
    read: impl FnOnce(Value) -> Result<T, E>,
) -> Option<T> {
    let value = members.change_with(name, read);
    members.not_null(name, value)
}

fn text<T>(
    members: &mut Members,
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    member(members, name, |value| {
        parse(value.as_str().ok_or("must be a string")?)
    })
}

fn moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| "must be a date-time (RFC 3339)".to_owned())
}

fn size(value: &Value) -> Result<ByteSize, &'static str> {
    let bytes = value.as_u64().ok_or("must be an integer from 0")?;
    Ok(ByteSize::new(bytes))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::read_object;

    #[test]
    fn every_bad_parameter_is_named() {
        let bad = || Some("\0".to_owned());
        let texts = FilterTexts {
            status: bad(),
            mime_type: bad(),
            name: bad(),
            metadata: bad(),
            sort: bad(),
        };
        let problem = texts.read(DocumentFilter::default()).unwrap_err();
        assert_eq!(
            problem.pointers_for_tests(),
            ["status", "mime_type", "name", "metadata", "sort"]
        );
    }

    #[test]
    fn a_filter_of_json_means_what_the_parameters_mean() {
        let read = |body: &Value| read_object::<DocumentFilter>(body.to_string().as_bytes());
        assert_eq!(read(&json!({})).unwrap(), DocumentFilter::default());
        let filter = read(&json!({
            "status": "archived", "name": "a", "is_public": false, "min_size": 7,
            "created_after": "2026-01-31T12:00:00Z", "metadata": {"a": [1]},
        }));
        let filter = filter.unwrap();
        assert_eq!(filter.statuses, [Status::Archived]);
        assert_eq!(filter.min_size, Some(ByteSize::new(7)));
        let deep = (0..9).fold(json!(1), |inner, _| json!({"a": inner}));
        for (bad, pointer) in [
            (json!({"status": "gone"}), "/status"),
            (json!({"status": ["active"]}), "/status"),
            (json!({"is_public": "true"}), "/is_public"),
            (json!({"min_size": -1}), "/min_size"),
            (json!({"created_after": "today"}), "/created_after"),
            (json!({"metadata": deep}), "/metadata"),
            (json!({"name": null}), "/name"),
            (json!({"sort": "name"}), "/sort"),
        ] {
            assert_eq!(
                read(&bad).unwrap_err().pointers_for_tests(),
                [pointer],
                "{bad}"
            );
        }
    }

    #[test]
    fn statuses_come_in_one_order() {
        let read = |status: &str| {
            let texts = FilterTexts {
                status: Some(status.to_owned()),
                ..FilterTexts::default()
            };
            texts
                .read(DocumentFilter::default())
                .map(|(filter, _)| filter.statuses)
        };
        let expected = vec![Status::Active, Status::Archived];
        assert_eq!(read("archived,active,archived").unwrap(), expected);
        for wrong in ["", "active,", "Active", "gone"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
