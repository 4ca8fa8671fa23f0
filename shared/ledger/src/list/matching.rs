//! A filter as conditions of SQL: for lists, and for whatever else acts on the documents it means.

use super::DocumentFilter;
use crate::dialect::Dialect;
use crate::values::Values;
use domain::{ByteSize, Status, Timestamp, TypePattern, UserId, fold};

/// Conditions, joined by AND, that hold for the rows of `documents` that are the
/// owner's and that `filter` means. Their values are added to `values`. What metadata contains
/// SQLite can't test: there [`super::find`] decodes each document.
pub fn matching(
    dialect: Dialect,
    owner: UserId,
    filter: &DocumentFilter,
    values: &mut Values,
) -> String {
    let mut conditions = vec![format!("documents.owner_id = {}", values.bind(owner.0))];
    conditions.extend(status(&filter.statuses));
    if let Some(pattern) = &filter.media_types {
        conditions.push(media_type(dialect, pattern, values));
    }
    if let Some(part) = &filter.name_part {
        let part = fold(part);
        conditions.push(dialect.contains("documents.name_folded", part, values));
    }
    // Written out, so that the index of public documents can serve it.
    conditions.extend(filter.is_public.map(|is_public| {
        let not = if is_public { "" } else { "NOT " };
        format!("{not}documents.is_public")
    }));
    let moment = |moment: Option<Timestamp>| moment.map(Timestamp::as_micros);
    let size = |size: Option<ByteSize>| size.map(ByteSize::as_i64);
    let bounds = [
        ("created_at >", moment(filter.created_after)),
        ("created_at <", moment(filter.created_before)),
        ("updated_at >", moment(filter.updated_after)),
        ("updated_at <", moment(filter.updated_before)),
        ("size_bytes >=", size(filter.min_size)),
        ("size_bytes <=", size(filter.max_size)),
    ];
    for (comparison, bound) in bounds {
        if let Some(bound) = bound {
            conditions.push(format!("documents.{comparison} {}", values.bind(bound)));
        }
    }
    if let (true, Some(metadata)) = (dialect.matches_metadata(), &filter.metadata) {
        let text = serde_json::Value::Object(metadata.as_object().clone()).to_string();
        let text = values.bind(text);
        conditions.push(format!("documents.metadata @> {text}::jsonb"));
        if !metadata.as_object().is_empty() {
            // What PostgreSQL doesn't conclude by itself: the index without empty metadata serves.
            conditions.push("documents.metadata <> '{}'::jsonb".to_owned());
        }
    }
    conditions.join(" AND ")
}

/// Statuses are written out: there are few, and indexes of some of them exist.
fn status(statuses: &[Status]) -> Vec<String> {
    let (wanted, others): (Vec<_>, Vec<_>) = Status::ALL
        .into_iter()
        .partition(|status| statuses.contains(status));
    let list = |statuses: &[Status]| -> Vec<_> {
        let quoted = statuses.iter().map(|status| format!("'{status}'"));
        quoted.collect()
    };
    match (wanted.as_slice(), others.as_slice()) {
        (_, []) => Vec::new(),
        ([], _) => vec!["false".to_owned()],
        // SQLite makes a table of a list of three, for each statement anew.
        (_, [other]) => vec![format!("documents.status <> '{other}'")],
        (some, _) => {
            let mut conditions = vec![format!("documents.status IN ({})", list(some).join(", "))];
            if !some.contains(&Status::Active) {
                // What SQLite doesn't conclude by itself: the index of what isn't active serves.
                conditions.push("documents.status <> 'active'".to_owned());
            }
            conditions
        }
    }
}

fn media_type(dialect: Dialect, pattern: &TypePattern, values: &mut Values) -> String {
    let pattern = pattern.to_string();
    if pattern == "*/*" {
        return "documents.mime_type IS NOT NULL".to_owned();
    }
    match pattern.strip_suffix("/*") {
        Some(family) => {
            let of = dialect.family("documents.mime_type");
            // What SQLite doesn't conclude by itself: the index of families serves.
            let known = "documents.mime_type IS NOT NULL";
            format!("{of} = {} AND {known}", values.bind(family))
        }
        None => format!("documents.mime_type = {}", values.bind(pattern)),
    }
}
