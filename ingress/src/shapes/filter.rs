//! Which documents a list is to show, as its parameters say.

use std::str::FromStr;

use serde_json::Value;
use shared::db::{DocumentFilter, Sort};
use shared::domain::{Metadata, Status, TypePattern};

use crate::problem::{FieldError, Problem};

/// The parameters of a list that are texts with a form of their own.
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
    /// Adds what they say to `filter`, and gives the order. Every bad one is named.
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

/// In one order, whatever the order of the list.
fn statuses(text: &str) -> Result<Vec<Status>, String> {
    let named: Vec<Status> = text.split(',').map(parse).collect::<Result<_, _>>()?;
    let all = Status::ALL.into_iter();
    Ok(all.filter(|status| named.contains(status)).collect())
}

fn name_part(text: &str) -> Result<String, String> {
    // No name has one, and not every database takes it.
    if text.contains('\0') {
        return Err("must not contain the character U+0000".to_owned());
    }
    Ok(text.to_owned())
}

fn metadata(text: &str) -> Result<Metadata, String> {
    let value: Value =
        serde_json::from_str(text).map_err(|_| "must be a JSON object".to_owned())?;
    let metadata = Metadata::try_from(value).map_err(|error| error.to_string())?;
    if DocumentFilter::is_too_deep(&metadata) {
        let most = DocumentFilter::MAX_DEPTH;
        return Err(format!("must not be nested deeper than {most}"));
    }
    Ok(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

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
